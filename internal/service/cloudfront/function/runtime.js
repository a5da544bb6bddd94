// What functions of CloudFront find: console, Buffer, the modules that they may
// ask for, and cf, with which they reach key value stores and choose origins.
// Bytes pass to the host as base64.
'use strict';
var __viewer = (function () {
  // Text and bytes.
  var digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  function toBase64(bytes, url) {
    var out = '';
    for (var i = 0; i < bytes.length; i += 3) {
      var n = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
      out += digits[n >> 18] + digits[(n >> 12) & 63];
      out += i + 1 < bytes.length ? digits[(n >> 6) & 63] : '=';
      out += i + 2 < bytes.length ? digits[n & 63] : '=';
    }
    return url ? out.replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '') : out;
  }
  function fromBase64(text) {
    var out = [], n = 0, bits = 0;
    text = text.replace(/-/g, '+').replace(/_/g, '/');
    for (var i = 0; i < text.length; i++) {
      var v = digits.indexOf(text[i]);
      if (v < 0) continue;
      n = ((n << 6) | v) & 0xffffff;
      if ((bits += 6) >= 8) out.push((n >> (bits -= 8)) & 255);
    }
    return out;
  }
  function toUTF8(text) {
    var out = [];
    for (var c of text) {
      var n = c.codePointAt(0);
      if (n >= 0xd800 && n <= 0xdfff) n = 0xfffd;
      if (n < 0x80) out.push(n);
      else if (n < 0x800) out.push(0xc0 | (n >> 6), 0x80 | (n & 63));
      else if (n < 0x10000) out.push(0xe0 | (n >> 12), 0x80 | ((n >> 6) & 63), 0x80 | (n & 63));
      else out.push(0xf0 | (n >> 18), 0x80 | ((n >> 12) & 63), 0x80 | ((n >> 6) & 63), 0x80 | (n & 63));
    }
    return out;
  }
  function fromUTF8(bytes) {
    var out = '';
    for (var i = 0; i < bytes.length; ) {
      var b = bytes[i++], more = b < 0x80 ? 0 : b >= 0xc2 && b < 0xe0 ? 1 : b >= 0xe0 && b < 0xf0 ? 2 : b >= 0xf0 && b < 0xf5 ? 3 : -1;
      if (more < 0) { out += '\ufffd'; continue; }
      var n = more ? b & (0x3f >> more) : b;
      for (; more > 0 && i < bytes.length && (bytes[i] & 0xc0) === 0x80; more--) n = (n << 6) | (bytes[i++] & 63);
      out += more > 0 || n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff) ? '\ufffd' : String.fromCodePoint(n);
    }
    return out;
  }
  var encodings = {
    utf8: { write: toUTF8, read: fromUTF8 },
    hex: {
      write: function (s) { var out = []; for (var i = 0; i + 1 < s.length; i += 2) { var n = parseInt(s.substr(i, 2), 16); if (isNaN(n)) break; out.push(n); } return out; },
      read: function (b) { var out = ''; for (var i = 0; i < b.length; i++) out += (b[i] < 16 ? '0' : '') + b[i].toString(16); return out; },
    },
    base64: { write: fromBase64, read: function (b) { return toBase64(b); } },
    base64url: { write: fromBase64, read: function (b) { return toBase64(b, true); } },
    latin1: {
      write: function (s) { var out = []; for (var i = 0; i < s.length; i++) out.push(s.charCodeAt(i) & 255); return out; },
      read: function (b) { var out = ''; for (var i = 0; i < b.length; i++) out += String.fromCharCode(b[i]); return out; },
    },
  };
  encodings['utf-8'] = encodings.utf8;
  encodings.binary = encodings.ascii = encodings.latin1;
  function encoding(name) {
    var e = encodings[name === undefined ? 'utf8' : String(name).toLowerCase()];
    if (!e) throw new TypeError('Unknown encoding: "' + name + '"');
    return e;
  }

  class Buffer extends Uint8Array {
    static from(v, enc, length) {
      if (typeof v === 'string') v = encoding(enc).write(v);
      else if (v instanceof ArrayBuffer) return new Buffer(v, enc, length);
      else if (v && v.type === 'Buffer') v = v.data;
      else if (!v || v.length === undefined) throw new TypeError('first argument is not a string or Buffer-like object');
      var out = new Buffer(v.length);
      for (var i = 0; i < v.length; i++) out[i] = v[i];
      return out;
    }
    static alloc(size, fill, enc) { var b = new Buffer(size); return fill === undefined ? b : b.fill(fill, 0, size, enc); }
    static allocUnsafe(size) { return new Buffer(size); }
    static isBuffer(v) { return v instanceof Buffer; }
    static isEncoding(name) { return typeof name === 'string' && name.toLowerCase() in encodings; }
    static byteLength(v, enc) { return typeof v === 'string' ? encoding(enc).write(v).length : v.byteLength; }
    static compare(a, b) { return Buffer.from(a).compare(b); }
    static concat(list, total) {
      var all = [];
      list.forEach(function (b) { for (var i = 0; i < b.length; i++) all.push(b[i]); });
      var out = Buffer.alloc(total === undefined ? all.length : total);
      for (var i = 0; i < out.length && i < all.length; i++) out[i] = all[i];
      return out;
    }
    toString(enc, start, end) { return encoding(enc).read(Uint8Array.prototype.subarray.call(this, start || 0, end === undefined ? this.length : end)); }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
    slice(start, end) { return this.subarray(start, end); }
    equals(other) { return this.compare(other) === 0; }
    compare(other) {
      for (var i = 0; i < this.length && i < other.length; i++) if (this[i] !== other[i]) return this[i] < other[i] ? -1 : 1;
      return this.length === other.length ? 0 : this.length < other.length ? -1 : 1;
    }
    copy(to, at, start, end) {
      var part = this.subarray(start || 0, end === undefined ? this.length : end), room = to.length - (at || 0);
      if (part.length > room) part = part.subarray(0, room);
      to.set(part, at || 0);
      return part.length;
    }
    write(text, at, length, enc) {
      if (typeof at === 'string') return this.write(text, 0, undefined, at);
      if (typeof length === 'string') return this.write(text, at, undefined, length);
      var bytes = encoding(enc).write(text), n = Math.min(bytes.length, this.length - (at || 0), length === undefined ? Infinity : length);
      for (var i = 0; i < n; i++) this[(at || 0) + i] = bytes[i];
      return n;
    }
    fill(v, start, end, enc) {
      var bytes = typeof v === 'number' ? [v & 255] : typeof v === 'string' ? encoding(typeof start === 'string' ? start : enc).write(v) : v;
      if (typeof start === 'string') start = 0;
      end = end === undefined ? this.length : end;
      for (var i = start || 0; i < end; i++) this[i] = bytes.length ? bytes[(i - (start || 0)) % bytes.length] : 0;
      return this;
    }
    indexOf(v, from, enc) {
      var want = typeof v === 'number' ? [v & 255] : typeof v === 'string' ? encoding(enc).write(v) : v;
      for (var i = from || 0; i + want.length <= this.length; i++) {
        var j = 0;
        while (j < want.length && this[i + j] === want[j]) j++;
        if (j === want.length) return i;
      }
      return -1;
    }
    includes(v, from, enc) { return this.indexOf(v, from, enc) >= 0; }
  }
  [['UInt8', 1, 'Uint8'], ['Int8', 1, 'Int8'], ['UInt16', 2, 'Uint16'], ['Int16', 2, 'Int16'], ['UInt32', 4, 'Uint32'], ['Int32', 4, 'Int32'], ['Float', 4, 'Float32'], ['Double', 8, 'Float64']].forEach(function (kind) {
    (kind[1] === 1 ? [''] : ['LE', 'BE']).forEach(function (order) {
      function view(b) { return new DataView(b.buffer, b.byteOffset, b.byteLength); }
      Buffer.prototype['read' + kind[0] + order] = function (at) { return view(this)['get' + kind[2]](at || 0, order === 'LE'); };
      Buffer.prototype['write' + kind[0] + order] = function (v, at) { view(this)['set' + kind[2]](at || 0, v, order === 'LE'); return (at || 0) + kind[1]; };
    });
  });

  // Modules.
  function bytesOf(v, enc) { return typeof v === 'string' ? encoding(enc).write(v) : v; }
  class Hash {
    constructor(algorithm, key) {
      if (['md5', 'sha1', 'sha256'].indexOf(algorithm) < 0) throw new TypeError('not supported algorithm: "' + algorithm + '"');
      this._ = { algorithm: algorithm, key: key, parts: [] };
    }
    update(data, enc) {
      if (!this._.parts) throw new Error('Digest already called');
      this._.parts.push(Buffer.from(bytesOf(data, enc)));
      return this;
    }
    digest(enc) {
      if (!this._.parts) throw new Error('Digest already called');
      var sum = Buffer.from(host('digest', this._.algorithm, this._.key === undefined ? null : toBase64(bytesOf(this._.key)), toBase64(Buffer.concat(this._.parts))), 'base64');
      this._.parts = null;
      return enc === undefined ? sum : sum.toString(enc);
    }
  }
  var crypto = {
    createHash: function (algorithm) { return new Hash(algorithm); },
    createHmac: function (algorithm, key) {
      if (key === undefined) throw new TypeError('key is not a string or Buffer-like object');
      return new Hash(algorithm, key);
    },
  };
  function unescape(text) { try { return decodeURIComponent(text.replace(/\+/g, ' ')); } catch (e) { return text; } }
  var querystring = {
    escape: encodeURIComponent,
    unescape: unescape,
    parse: function (text, sep, eq, options) {
      var out = {}, decode = (options && options.decodeURIComponent) || querystring.unescape, most = options && options.maxKeys !== undefined ? options.maxKeys : 1000;
      if (!text) return out;
      text.split(sep || '&').slice(0, most || undefined).forEach(function (part) {
        if (part === '') return;
        var at = part.indexOf(eq || '='), k = decode(at < 0 ? part : part.slice(0, at)), v = at < 0 ? '' : decode(part.slice(at + (eq || '=').length));
        out[k] = !Object.prototype.hasOwnProperty.call(out, k) ? v : Array.isArray(out[k]) ? out[k].concat([v]) : [out[k], v];
      });
      return out;
    },
    stringify: function (o, sep, eq, options) {
      var encode = (options && options.encodeURIComponent) || querystring.escape, parts = [];
      Object.keys(o || {}).forEach(function (k) {
        (Array.isArray(o[k]) ? o[k] : [o[k]]).forEach(function (v) {
          parts.push(encode(k) + (eq || '=') + (['string', 'number', 'boolean'].indexOf(typeof v) < 0 ? '' : encode(String(v))));
        });
      });
      return parts.join(sep || '&');
    },
  };
  querystring.decode = querystring.parse;
  querystring.encode = querystring.stringify;

  var chosen, stores = __stores;
  function choose(what) { chosen = what; }
  function valueOf(raw, format) {
    if (format === 'json') return JSON.parse(raw);
    return format === 'bytes' ? Buffer.from(raw) : raw;
  }
  var cf = {
    kvs: function (id) {
      var of = id === undefined ? stores[0] : stores.filter(function (s) { return s === id || s.split('/').pop() === id; })[0];
      if (of === undefined) throw new Error('KvsNotAssociated');
      return {
        get: async function (key, options) {
          var found = host('kvs.get', of, String(key));
          if (found === null) throw new Error('KeyNotFound');
          return valueOf(found, options && options.format);
        },
        exists: async function (key) { return host('kvs.get', of, String(key)) !== null; },
        count: async function () { return host('kvs.meta', of).keyCount; },
        meta: async function () { return host('kvs.meta', of); },
      };
    },
    updateRequestOrigin: function (o) { choose({ origin: o }); },
    selectRequestOriginById: function (id, o) { choose({ id: id, origin: o || {} }); },
    createRequestOriginGroup: function (o) { choose({ group: o }); },
  };
  cf.default = cf;
  var modules = { crypto: crypto, querystring: querystring, buffer: { Buffer: Buffer }, cloudfront: cf };
  Object.keys(modules).forEach(function (name) { modules[name].default = modules[name].default || modules[name]; });
  function require(name) {
    if (!Object.prototype.hasOwnProperty.call(modules, name)) throw new Error('Cannot find module "' + name + '"');
    return modules[name];
  }

  function line() {
    log(Array.prototype.map.call(arguments, function (v) { return typeof v === 'string' ? v : v instanceof Error ? String(v) : v === undefined ? 'undefined' : JSON.stringify(v); }).join(' '));
  }
  return {
    require: require,
    globals: {
      Buffer: Buffer,
      console: { log: line, info: line, warn: line, error: line, debug: line },
      atob: function (s) { return encodings.latin1.read(fromBase64(s)); },
      btoa: function (s) { return toBase64(encodings.latin1.write(s)); },
      TextEncoder: class { encode(s) { return new Uint8Array(toUTF8(s || '')); } },
      TextDecoder: class { decode(b) { return fromUTF8(b || []); } },
    },
    bytesFrom: function (v, enc) { return encodings.latin1.read(typeof v === 'string' ? encoding(enc).write(v) : v); },
    run: async function (handler, event) {
      if (typeof handler !== 'function') throw new ReferenceError('"handler" is not defined');
      var value = await handler(event);
      return { value: value === undefined ? null : value, chosen: chosen };
    },
  };
})();
Object.assign(globalThis, __viewer.globals);
String.bytesFrom = __viewer.bytesFrom;
