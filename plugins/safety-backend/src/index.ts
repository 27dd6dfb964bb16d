export { safetyConfigSection } from './config.js';
export { safetyFeatures as default } from './plugin.js';
