import { createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';

/** A line or a few that a person who starts the server should see once. */
export interface StartupNote {
  /** Short, in sentence case; notes of the same title are shown together. */
  title: string;
  lines: string[];
}

/** Collects notes while plugins start; the host shows them when the server is ready. */
export interface StartupNotesService {
  add(note: StartupNote): void;
  list(): StartupNote[];
}

export const startupNotesServiceRef = createServiceRef<StartupNotesService>({
  id: 'callboard.startupNotes',
  scope: 'root',
  defaultFactory: async service =>
    createServiceFactory({
      service,
      deps: {},
      factory() {
        const notes: StartupNote[] = [];
        return {
          add: note => void notes.push(note),
          list: () => [...notes],
        };
      },
    }),
});
