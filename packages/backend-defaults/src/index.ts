export { type CreateBackendOptions, createBackend } from './createBackend.js';
export { type LoadConfigOptions, loadConfig, loadConfigLayers } from './loadConfig.js';
export { readStopTimes, type StopTimes } from './stopTimes.js';
