export { authFeatures as default, authPlugin } from './plugin.js';
