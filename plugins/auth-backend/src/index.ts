export { authConfigSection } from './config.js';
export { authFeatures as default, authPlugin } from './plugin.js';
