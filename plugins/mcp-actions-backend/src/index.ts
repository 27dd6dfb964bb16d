export { mcpConfigSection } from './config.js';
export { mcpFeatures as default, mcpPlugin } from './plugin.js';
