import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import {
  actionsRegistryServiceRef,
  promptsRegistryServiceRef,
  resourcesRegistryServiceRef,
} from '@callboard/actions-api';
import { completeItem } from './actions/completeItem.js';
import { createItem } from './actions/createItem.js';
import { exportItems } from './actions/exportItems.js';
import { getItem } from './actions/getItem.js';
import { registerGreetUser } from './actions/greetUser.js';
import { listItems } from './actions/listItems.js';
import { purgeDone } from './actions/purgeDone.js';
import { shareItem } from './actions/shareItem.js';
import { updateItem } from './actions/updateItem.js';
import { planWeek } from './prompts/planWeek.js';
import { board } from './resources/board.js';
import { item, itemUri } from './resources/item.js';
import { TodoStore } from './TodoStore.js';

/** A team's to-do board: sample actions of every kind of effect, resources and a prompt, on the plugin's own database. */
export const todoPlugin = createBackendPlugin({
  pluginId: 'todo',
  register(env) {
    env.registerInit({
      deps: {
        actionsRegistry: actionsRegistryServiceRef,
        database: coreServices.database,
        promptsRegistry: promptsRegistryServiceRef,
        resourcesRegistry: resourcesRegistryServiceRef,
      },
      async init({ actionsRegistry, database, promptsRegistry, resourcesRegistry }) {
        const now = () => new Date();
        const store = await TodoStore.open({ database, now });

        registerGreetUser(actionsRegistry);
        actionsRegistry.register(listItems({ store }));
        actionsRegistry.register(getItem({ store }));
        actionsRegistry.register(createItem({ store }));
        actionsRegistry.register(updateItem({ store }));
        actionsRegistry.register(completeItem({ store }));
        actionsRegistry.register(purgeDone({ store, now }));
        actionsRegistry.register(exportItems({ store, now }));
        actionsRegistry.register(shareItem({ store, now }));

        const theBoard = resourcesRegistry.register(board({ store }));
        const items = resourcesRegistry.register(item({ store }));
        store.onChange(id => {
          theBoard.updated();
          items.listChanged();
          if (id !== undefined) {
            items.updated(itemUri(id));
          }
        });
        promptsRegistry.register(planWeek({ store }));
      },
    });
  },
});
