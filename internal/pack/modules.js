// What scripts find of Node.js: the modules they use most, with what a
// configuration needs of them.
var global = globalThis;
(function () {
  const value = (set, name) => (name in set ? set[name] : typeof name === 'string' ? __getenv(name) : undefined);
  const env = new Proxy(Object.create(null), {
    get: value,
    has: (set, name) => value(set, name) !== undefined,
  });
  globalThis.process = { env, argv: [], platform: 'linux', cwd: () => __dir, version: 'v20.0.0', versions: { node: '20.0.0' } };

  const quiet = () => {};
  globalThis.console = { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet };

  const normalize = (name) => {
    const out = [];
    for (const part of name.split('/')) {
      if (part === '..' && out.length && out[out.length - 1] !== '..') out.pop();
      else if (part !== '.' && part !== '') out.push(part);
    }
    return (name.startsWith('/') ? '/' : '') + out.join('/') || '.';
  };
  const path = {
    sep: '/',
    delimiter: ':',
    normalize,
    join: (...parts) => normalize(parts.filter(Boolean).join('/')),
    resolve: (...parts) => normalize(parts.reduce((all, part) => (part.startsWith('/') ? part : all + '/' + part), __dir)),
    basename: (name, ext) => {
      const base = name.replace(/\/+$/, '').split('/').pop();
      return ext && base.endsWith(ext) ? base.slice(0, -ext.length) : base;
    },
    dirname: (name) => name.replace(/\/+$/, '').split('/').slice(0, -1).join('/') || (name.startsWith('/') ? '/' : '.'),
    extname: (name) => (/[^/.](\.[^/.]*)$/.exec(name) || ['', ''])[1],
    isAbsolute: (name) => name.startsWith('/'),
    relative: (from, to) => {
      const a = path.resolve(from).split('/');
      const b = path.resolve(to).split('/');
      while (a.length && b.length && a[0] === b[0]) a.shift(), b.shift();
      return [...a.map(() => '..'), ...b].join('/');
    },
  };
  path.posix = path;

  const fs = {
    readFileSync: (name) => __read(String(name)),
    existsSync: (name) => __exists(String(name)),
    promises: { readFile: async (name) => __read(String(name)) },
  };
  const os = { EOL: '\n', platform: () => 'linux', homedir: () => '/', tmpdir: () => '/tmp' };
  const util = { promisify: (f) => (...args) => new Promise((ok, no) => f(...args, (err, v) => (err ? no(err) : ok(v)))) };
  const modules = { path, fs, os, util, process, 'fs/promises': fs.promises };

  globalThis.require = (name) => {
    const found = modules[name.replace(/^node:/, '')];
    if (!found) __missing(name);
    return found;
  };
})();
