import { coreServices, createServiceFactory, createServiceRef } from '@backstage/backend-plugin-api';
import { checkConfigSections, configSectionsServiceRef } from '@callboard/actions-api';

const configCheckServiceRef = createServiceRef<object>({ id: 'callboard.configCheck', scope: 'root' });

/** Checks all sections before any plugin starts, so that one start shows every mistake. */
export const configCheckServiceFactory = createServiceFactory({
  service: configCheckServiceRef,
  initialization: 'always',
  deps: { config: coreServices.rootConfig, sections: configSectionsServiceRef },
  factory({ config, sections }) {
    checkConfigSections(config, sections);
    return {};
  },
});
