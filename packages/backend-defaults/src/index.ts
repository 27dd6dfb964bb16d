export { type CreateBackendOptions, createBackend } from './createBackend.js';
export { type LoadConfigOptions, loadConfig, loadConfigLayers } from './loadConfig.js';
