/** Whether only programs on the same machine answer under this name or address. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|\[::1\]|::1|127(\.\d{1,3}){3})$/i.test(host);
}
