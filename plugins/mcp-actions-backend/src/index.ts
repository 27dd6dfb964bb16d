export { mcpFeatures as default, mcpPlugin } from './plugin.js';
