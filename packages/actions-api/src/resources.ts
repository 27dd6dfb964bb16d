import { type BackstageCredentials, createServiceRef, type LoggerService } from '@backstage/backend-plugin-api';
import type { BasicPermission } from '@backstage/plugin-permission-common';
import type { ActionCallInfo } from './actionGates.js';
import type { CallClient } from './clientRequests.js';
import type { ContentAnnotations, ResourceContents } from './content.js';

/** What a resource's functions are given. */
export interface ResourceContext {
  /** As the caller wrote it. */
  uri: string;
  /**
   * Values of the template's variables, decoded; empty for a resource at a fixed URI. A value is not
   * empty, has no `/`, `\` or control characters, and is neither `.` nor `..`.
   */
  variables: Readonly<Record<string, string>>;
  logger: LoggerService;
  /** Whom the resource is read for, as the resource's own plugin sees them. */
  credentials: BackstageCredentials;
  signal: AbortSignal;
  call: ActionCallInfo;
  client: CallClient;
}

/** What is read: contents as MCP has them, in which `uri` and `mimeType` default to those of the resource. */
export type ReadResource = Omit<ResourceContents, 'uri' | 'text' | 'blob'> &
  ({ text: string } | { blob: string }) & { uri?: string };

/** One of the things that a template stands for. */
export interface ListedResource {
  uri: string;
  name: string;
  title?: string;
  description?: string;
  mimeType?: string;
  /** In bytes. */
  size?: number;
  annotations?: ContentAnnotations;
}

interface ResourceBasics {
  /** Unique among the plugin's resources: letters, digits, `_`, `-` and `.`, at most 128. */
  name: string;
  title: string;
  description: string;
  mimeType?: string;
  annotations?: ContentAnnotations;
  /** Callers without this permission do not see the resource and cannot read it. */
  visibilityPermission?: BasicPermission;
  /** What a profile must have. Defaults to `actions:read`. */
  capability?: string;
  /** After this long a read is given up; waiting for a person does not count. */
  timeoutSeconds?: number;
  /** Reads it; `undefined` if there is nothing at this URI. */
  read(context: ResourceContext): Promise<ReadResource | ReadResource[] | undefined>;
}

/** A resource at one URI (MCP 2025-11-25, server/resources). */
export interface StaticResourceOptions extends ResourceBasics {
  /** Absolute, at most 2,048 characters, with a scheme of the plugin's own, such as `todo://board`. */
  uri: string;
  /** In bytes. */
  size?: number;
}

/** Resources whose URIs follow a template (RFC 6570, level 1: `{variable}`). */
export interface TemplateResourceOptions extends ResourceBasics {
  /** Such as `todo://items/{id}`. Between two variables is a character that no value can have, such as `/`. */
  uriTemplate: string;
  /** What exists at the moment and is worth listing; without it, only the template is listed. */
  list?(context: Omit<ResourceContext, 'uri' | 'variables' | 'client' | 'call'>): Promise<ListedResource[]>;
  /** Per variable, values that begin as the person has typed so far. */
  complete?: {
    [variable: string]: (
      value: string,
      context: Omit<ResourceContext, 'uri' | 'client' | 'call'>,
    ) => string[] | Promise<string[]>;
  };
}

export type ResourceOptions = StaticResourceOptions | TemplateResourceOptions;

/** What has been registered. */
export interface RegisteredResource {
  /**
   * Tells subscribed clients that the resource has changed.
   *
   * @param uri - which one, of those that a template stands for.
   */
  updated(uri?: string): void;
  /** Tells clients that what the template lists has changed. */
  listChanged(): void;
}

/** Registers a plugin's resources. They take the path of every call: as reads, under the same rules as actions. */
export interface ResourcesRegistryService {
  /**
   * One whose name or URI cannot be published, or whose URI is that of another resource of any
   * plugin, is refused with an error in the log and leaves the plugin's other resources alone.
   *
   * @throws Error if a resource of that name is registered already.
   */
  register(options: ResourceOptions): RegisteredResource;
}

export const resourcesRegistryServiceRef = createServiceRef<ResourcesRegistryService>({
  id: 'callboard.resourcesRegistry',
  scope: 'plugin',
});
