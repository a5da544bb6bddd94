'use strict';
// The code of a function's modules as V8 has compiled it, in one file: a head with
// the place of each, and the pieces. This program writes it, and runs none of the
// modules; as a module it is what bootstrap.js reads it with.

const fs = require('fs');
const path = require('path');
const vm = require('vm');
const Module = require('module');

const MAX_SOURCE = 24 << 20; // bytes of all files
const MAX_FILE = 8 << 20;
const MAX_FILES = 4000;

const options = (filename) => ({ filename, columnOffset: -Module.wrapper[0].length });

// compile is the compiled code of a file, or nothing if there can be none.
function compile(file) {
  const source = fs.readFileSync(file, 'utf8').replace(/^\ufeff/, '');
  // A module that imports would not find its loader again.
  if (source.startsWith('#!') || /\bimport\s*[(/]/.test(source)) return;
  try {
    return new vm.Script(Module.wrap(source), options(file)).createCachedData();
  } catch {} // an ES module, or no JavaScript
}

function write(out, dirs) {
  const index = {};
  const pieces = [];
  let at = 0;
  let left = MAX_SOURCE;
  let files = 0;
  const add = (file) => {
    const st = fs.lstatSync(file);
    if (++files > MAX_FILES || !st.isFile() || st.size > Math.min(left, MAX_FILE)) return;
    left -= st.size;
    const code = compile(file);
    if (!code) return;
    index[file] = [at, code.length, st.size, st.ctimeMs];
    pieces.push(code);
    at += code.length;
  };
  while (dirs.length && files < MAX_FILES) {
    const dir = dirs.shift(); // what is near the top first
    for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
      const name = path.join(dir, e.name);
      if (e.isDirectory()) dirs.push(name);
      else if (/\.c?js$/.test(e.name)) add(name);
    }
  }
  const head = Buffer.from(JSON.stringify(index));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  fs.writeFileSync(out, Buffer.concat([size, head, ...pieces]));
}

// useCodes has modules compiled from such a file. What has changed since, or is
// not in it, is compiled as ever; so is all if lines are mapped.
function useCodes(file) {
  if (!file || process.env.NODE_OPTIONS) return;
  let fd, index, start;
  const read = (at, length) => {
    const b = Buffer.allocUnsafeSlow(length);
    if (fs.readSync(fd, b, 0, length, at) < length) throw new Error('it is too short');
    return b;
  };
  try {
    fd = fs.openSync(file, 'r');
    const size = read(0, 4).readUInt32LE(0);
    index = JSON.parse(read(4, size).toString());
    start = 4 + size;
  } catch {
    return;
  }
  const script = (content, filename) => {
    const place = Object.hasOwn(index, filename) && index[filename];
    if (!place) return;
    const st = fs.statSync(filename);
    if (st.size !== place[2] || st.ctimeMs !== place[3]) return;
    const made = new vm.Script(Module.wrap(content), { ...options(filename), cachedData: read(start + place[0], place[1]) });
    return made.cachedDataRejected ? undefined : made;
  };
  const before = Module.prototype._compile;
  Module.prototype._compile = function compileFromCache(content, filename, format, ...rest) {
    const made = format === undefined || format === 'commonjs' ? script(content, filename) : undefined;
    if (!made) return before.call(this, content, filename, format, ...rest);
    const require = (id) => this.require(id);
    require.resolve = (name, options) => Module._resolveFilename(name, this, false, options);
    require.resolve.paths = (name) => Module._resolveLookupPaths(name, this);
    require.main = process.mainModule;
    require.extensions = Module._extensions;
    require.cache = Module._cache;
    return made.runInThisContext().call(this.exports, this.exports, require, this, filename, path.dirname(filename));
  };
}

module.exports = useCodes;
if (require.main === module) write(process.argv[2], process.argv.slice(3));
