/** The direction of imports (docs/architecture.md, "Folders"). Each folder may import itself and what is listed here. */
const ALLOWED = {
  core: [],
  asl: ['core'],
  dqdl: ['core'],
  glue: ['core', 'dqdl'],
  warehouse: ['core'],
  replay: ['core'],
  lambdas: ['core', 'dqdl', 'glue', 'warehouse', 'replay'],
  infra: ['core', 'asl', 'dqdl', 'glue', 'warehouse', 'replay', 'lambdas'],
  local: ['core', 'asl', 'dqdl', 'glue', 'warehouse', 'replay'],
  cli: ['core', 'asl', 'dqdl', 'glue', 'warehouse', 'replay', 'lambdas', 'local'],
  bench: ['core', 'asl', 'dqdl', 'glue', 'warehouse', 'replay', 'local', 'cli'],
  editors: [],
  scripts: ['core', 'asl', 'dqdl', 'glue', 'warehouse', 'replay', 'lambdas', 'local', 'cli'],
}
const folders = [...Object.keys(ALLOWED), 'test']

module.exports = {
  forbidden: [
    ...Object.entries(ALLOWED).map(([folder, may]) => ({
      name: `${folder}-imports-only-${may.join('-') || 'itself'}`,
      severity: 'error',
      from: { path: `^${folder}/` },
      to: { path: `^(${folders.filter((other) => other !== folder && !may.includes(other)).join('|')})/` },
    })),
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
}
