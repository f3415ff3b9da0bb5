// Imported first: what LiveStore logs goes to stderr, so that stdout is ours.
for (const method of ["log", "info", "debug", "group", "groupCollapsed"] as const) {
  console[method] = console.error;
}
console.groupEnd = () => {};
