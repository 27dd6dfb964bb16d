import { z } from 'zod';

// PostgreSQL cannot store NUL in text; refused here, it is the caller's mistake on every database.
const text = z.string().refine(value => !value.includes('\0'), 'expected text without NUL characters');

export const itemIdSchema = text.min(1).max(64).describe('The id of the item, as list-items returns it');

export const titleSchema = text.trim().min(1).max(200).describe('What is to be done, in a few words');

export const notesSchema = text.max(10_000).describe('Details, as plain text');

export const labelSchema = text.trim().min(1).max(50);

export const labelsSchema = z.array(labelSchema).max(20).describe('Labels to find the item by; order does not matter');

export const dueDateSchema = z.iso.date().describe('The day it is due, for example 2027-02-28');

export const todoItemSchema = z.object({
  id: z.string(),
  title: z.string(),
  notes: z.string().nullable(),
  labels: z.array(z.string()),
  dueDate: z.iso.date().nullable(),
  done: z.boolean(),
  doneAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  version: z.int().describe('Grows by one with every change; see expectedVersion of update-item'),
});

/** Of an item, what somebody who approves a change looks at. */
export const visiblePart = ({ title, notes, labels, dueDate, done }: TodoItem) => ({
  title,
  notes,
  labels,
  dueDate,
  done,
});

/** An item of the team's board. It belongs to nobody in particular. */
export type TodoItem = z.infer<typeof todoItemSchema>;
