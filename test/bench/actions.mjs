/** The name of the nth plugin that brings actions. */
export function sourceId(index) {
  return `bench-${index + 1}`;
}

export const echoToolName = `${sourceId(0)}.echo`;

/**
 * Deals `count` actions out to `sources` plugins: an echo for the first, and fillers whose schemas
 * and descriptions have the size of those that real plugins register.
 *
 * @returns One list of registry options per plugin.
 */
export function dealActions({ count, sources }) {
  /** @type {{ name: string }[][]} */
  const hands = Array.from({ length: sources }, () => []);
  hands[0].push(echo);
  for (let index = 1; index < count; index++) {
    const makeFiller = fillers[index % fillers.length];
    hands[index % sources].push(makeFiller(index));
  }
  return hands;
}

const echo = {
  name: 'echo',
  title: 'Echo',
  description: 'Answers with the message it was given.',
  attributes: { readOnly: true, destructive: false, idempotent: true },
  schema: {
    input: z => z.object({ message: z.string().describe('What to say') }),
    output: z => z.object({ message: z.string().describe('What was said') }),
  },
  action: async ({ input }) => ({ output: { message: input.message } }),
};

const fillers = [
  index => ({
    name: `get-record-${index}`,
    title: `Get Record ${index}`,
    description:
      'Gets a single record by its reference. A reference has the form "kind:namespace/name"; the default namespace ' +
      'is "default". Leave out the parts that are not known: a record is found as long as only one matches.',
    attributes: { readOnly: true, destructive: false, idempotent: true },
    schema: {
      input: z =>
        z.object({
          kind: z.string().optional().describe('The kind of the record. May be left out if it is not known.'),
          namespace: z.string().optional().describe('The namespace of the record. Defaults to "default".'),
          name: z.string().describe('The name of the record'),
        }),
      output: z => z.object({}).passthrough(),
    },
    action: async () => ({ output: {} }),
  }),
  index => ({
    name: `query-records-${index}`,
    title: `Query Records ${index}`,
    description:
      'Queries records by field values, full text and tags, a page at a time. Field paths use dots, as in "spec.type". ' +
      'Results are sorted by the given fields; pass the returned cursor to get the page that follows.',
    attributes: { readOnly: true, destructive: false, idempotent: true },
    schema: {
      input: z =>
        z.object({
          filter: z
            .record(z.string(), z.union([z.string(), z.array(z.string())]))
            .optional()
            .describe('Values by field path; several values of a field mean any of them'),
          fields: z.array(z.string()).optional().describe('Which fields to return. Everything by default.'),
          orderFields: z
            .array(z.object({ field: z.string().describe('A field path'), order: z.enum(['asc', 'desc']) }))
            .optional()
            .describe('What to sort by, most important first'),
          text: z.object({ term: z.string(), fields: z.array(z.string()).optional() }).optional(),
          limit: z.number().int().min(1).max(500).default(20).describe('How many records to return'),
          cursor: z.string().optional().describe('From the answer before'),
        }),
      output: z =>
        z.object({
          items: z.array(z.object({}).passthrough()).describe('The records found'),
          totalItems: z.number().int(),
          nextCursor: z.string().optional(),
        }),
    },
    action: async () => ({ output: { items: [], totalItems: 0 } }),
  }),
  index => ({
    name: `create-record-${index}`,
    title: `Create Record ${index}`,
    description: 'Creates a record and returns its reference. Fails if a record of that name exists in the namespace.',
    attributes: { readOnly: false, destructive: false, idempotent: false },
    schema: {
      input: z =>
        z.object({
          name: z.string().min(1).max(63).describe('Letters, digits and hyphens'),
          namespace: z.string().default('default'),
          owner: z.string().describe('Reference of the group or user that owns the record'),
          lifecycle: z.enum(['experimental', 'production', 'deprecated']).describe('How far along it is'),
          links: z.array(z.object({ url: z.string().url(), title: z.string().optional() })).optional(),
          labels: z.record(z.string(), z.string()).optional().describe('Short values for machines'),
        }),
      output: z => z.object({ reference: z.string().describe('Of the new record') }),
    },
    action: async () => ({ output: { reference: 'record:default/new' } }),
  }),
  index => ({
    name: `delete-record-${index}`,
    title: `Delete Record ${index}`,
    description: 'Deletes a record for good, and optionally everything that refers to it. This cannot be undone.',
    attributes: { readOnly: false, destructive: true, idempotent: true },
    schema: {
      input: z =>
        z.object({
          reference: z.string().describe('Of the record to delete'),
          cascade: z.boolean().default(false).describe('Also delete what refers to it'),
          reason: z.string().max(500).optional().describe('Kept in the audit trail'),
        }),
      output: z => z.object({ deleted: z.number().int().min(0).describe('How many records are gone') }),
    },
    action: async () => ({ output: { deleted: 1 } }),
  }),
];
