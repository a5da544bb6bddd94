// What code of APPSYNC_JS finds: util, extensions and runtime, whose helpers are
// the host's, and the module that writes requests of DynamoDB.
'use strict';
var __modules = (function (names) {
  function call(name) {
    return function () {
      var args = [name];
      for (var i = 0; i < arguments.length; i++) args.push(arguments[i]);
      var said = host.apply(undefined, args);
      if (said.abort) throw { abort: said.abort };
      return said.value;
    };
  }
  var all = {};
  names.forEach(function (name) {
    var at = all, parts = name.split('.');
    parts.slice(0, -1).forEach(function (part) { at = at[part] = at[part] || {}; });
    at[parts[parts.length - 1]] = call(name);
  });
  var extensions = all.extensions;
  delete all.extensions;
  var runtime = {
    earlyReturn: function (value, options) {
      throw { early: { value: value === undefined ? null : value, end: !!options && options.skipTo === 'END' } };
    },
  };

  function text(v) { return typeof v === 'string' ? v : v === undefined ? 'undefined' : JSON.stringify(v); }
  function line(kind) {
    return function () {
      var parts = [];
      for (var i = 0; i < arguments.length; i++) parts.push(text(arguments[i]));
      host('log.' + kind, parts.join(' '));
    };
  }
  var console = { log: line('info'), info: line('info'), warn: line('info'), debug: line('debug'), error: line('error') };

  // Requests of DynamoDB.
  function given(o) {
    var out = {};
    Object.keys(o).forEach(function (k) { if (o[k] !== undefined && o[k] !== null) out[k] = o[k]; });
    return out;
  }
  function values(o) { return o === undefined || o === null ? undefined : all.dynamodb.toMapValues(o); }
  function filter(f) { return f ? JSON.parse(all.transform.toDynamoDBFilterExpression(f)) : undefined; }
  function projection(list) {
    if (!list) return undefined;
    var names = {};
    var expression = list.map(function (path) {
      return path.split('.').map(function (part) {
        var name = /^([^[]*)(.*)$/.exec(part), key = '#' + name[1].replace(/\W/g, '_');
        names[key] = name[1];
        return key + name[2];
      }).join('.');
    }).join(', ');
    return { expression: expression, expressionNames: names };
  }
  function operation(kind) {
    return function (value, index) { return { __operation: kind, value: value, index: index }; };
  }
  var operations = {};
  ['add', 'remove', 'replace', 'increment', 'decrement', 'append', 'prepend', 'updateListItem'].forEach(function (k) { operations[k] = operation(k); });
  function isObject(v) { return v !== null && typeof v === 'object' && !Array.isArray(v); }
  function hasOperation(v) {
    return isObject(v) && (!!v.__operation || Object.keys(v).some(function (k) { return hasOperation(v[k]); }));
  }
  function changes(update) {
    var names = {}, vals = {}, sets = [], removes = [];
    function value(stem, v) {
      var key = ':' + stem;
      for (var n = 2; key in vals; n++) key = ':' + stem + '_' + n;
      vals[key] = all.dynamodb.toDynamoDB(v);
      return key;
    }
    function walk(o, path, stem) {
      Object.keys(o).forEach(function (field) {
        var v = o[field];
        if (v === undefined) return;
        var plain = field.replace(/\W/g, '_');
        names['#' + plain] = field;
        var at = path + '#' + plain, name = stem + plain;
        if (!hasOperation(v)) return void sets.push(at + ' = ' + value(name, v));
        if (!v.__operation) return walk(v, at + '.', name + '_');
        switch (v.__operation) {
          case 'remove': removes.push(at); break;
          case 'increment': sets.push(at + ' = if_not_exists(' + at + ', ' + value(name + '_zero', 0) + ') + ' + value(name, v.value === undefined ? 1 : v.value)); break;
          case 'decrement': sets.push(at + ' = if_not_exists(' + at + ', ' + value(name + '_zero', 0) + ') - ' + value(name, v.value === undefined ? 1 : v.value)); break;
          case 'append': sets.push(at + ' = list_append(' + at + ', ' + value(name, v.value) + ')'); break;
          case 'prepend': sets.push(at + ' = list_append(' + value(name, v.value) + ', ' + at + ')'); break;
          case 'updateListItem': sets.push(at + '[' + v.index + '] = ' + value(name, v.value)); break;
          default: sets.push(at + ' = ' + value(name, v.value));
        }
      });
    }
    walk(update, '', '');
    var parts = [];
    if (sets.length) parts.push('SET ' + sets.join(', '));
    if (removes.length) parts.push('REMOVE ' + removes.join(', '));
    return given({ expression: parts.join(' '), expressionNames: names, expressionValues: Object.keys(vals).length ? vals : undefined });
  }
  function tables(all, of) {
    var out = {};
    Object.keys(all).forEach(function (name) { out[name] = of(all[name]); });
    return out;
  }
  function write(item) {
    if (item.putItem) {
      var p = item.putItem;
      return given({ table: p.table, operation: 'PutItem', key: values(p.key), attributeValues: values(p.item), condition: filter(p.condition) });
    }
    if (item.updateItem) {
      var u = item.updateItem;
      return given({ table: u.table, operation: 'UpdateItem', key: values(u.key), update: changes(u.update), condition: filter(u.condition) });
    }
    if (item.deleteItem) {
      var d = item.deleteItem;
      return given({ table: d.table, operation: 'DeleteItem', key: values(d.key), condition: filter(d.condition) });
    }
    var c = item.conditionCheck || {};
    return given({ table: c.table, operation: 'ConditionCheck', key: values(c.key), condition: filter(c.condition) });
  }
  function page(kind, p) {
    return given({ operation: kind, filter: filter(p.filter), index: p.index, limit: p.limit, nextToken: p.nextToken, consistentRead: p.consistentRead,
      select: p.select, projection: projection(p.projection), segment: p.segment, totalSegments: p.totalSegments, scanIndexForward: p.scanIndexForward });
  }
  var dynamodb = {
    operations: operations,
    get: function (p) { return given({ operation: 'GetItem', key: values(p.key), consistentRead: p.consistentRead, projection: projection(p.projection) }); },
    put: function (p) { return given({ operation: 'PutItem', key: values(p.key), attributeValues: values(p.item), condition: filter(p.condition), _version: p._version }); },
    update: function (p) { return given({ operation: 'UpdateItem', key: values(p.key), update: changes(p.update), condition: filter(p.condition), _version: p._version }); },
    remove: function (p) { return given({ operation: 'DeleteItem', key: values(p.key), condition: filter(p.condition), _version: p._version }); },
    query: function (p) { var out = page('Query', p); out.query = filter(p.query); return out; },
    scan: function (p) { return page('Scan', p || {}); },
    sync: function (p) { return page('Sync', p || {}); },
    batchGet: function (p) {
      return { operation: 'BatchGetItem', tables: tables(p.tables, function (t) { return given({ keys: t.keys.map(values), consistentRead: t.consistentRead, projection: projection(t.projection) }); }) };
    },
    batchPut: function (p) { return { operation: 'BatchPutItem', tables: tables(p.tables, function (items) { return items.map(values); }) }; },
    batchDelete: function (p) {
      return { operation: 'BatchDeleteItem', tables: tables(p.tables, function (t) { return (Array.isArray(t) ? t : t.keys).map(values); }) };
    },
    transactGet: function (p) {
      return { operation: 'TransactGetItems', transactItems: p.items.map(function (i) { return given({ table: i.table, key: values(i.key), projection: projection(i.projection) }); }) };
    },
    transactWrite: function (p) { return { operation: 'TransactWriteItems', transactItems: p.items.map(write) }; },
  };
  return { '@aws-appsync/utils': { util: all, extensions: extensions, runtime: runtime }, '@aws-appsync/utils/dynamodb': dynamodb, console: console };
})(NAMES);

var util = __modules['@aws-appsync/utils'].util, extensions = __modules['@aws-appsync/utils'].extensions;
var runtime = __modules['@aws-appsync/utils'].runtime, console = __modules.console;
var require = (function (modules) {
  return function (name) {
    if (name === 'console' || !modules[name]) throw new TypeError('There is no module ' + name);
    var out = { __esModule: true, default: modules[name] };
    Object.keys(modules[name]).forEach(function (k) { out[k] = modules[name][k]; });
    return out;
  };
})(__modules);
var __run = function (name, ctx) {
  var f = module.exports, end = {};
  name.split('.').forEach(function (part) { f = f && f[part]; });
  ctx.args = ctx.arguments;
  try {
    if (typeof f !== 'function') throw new TypeError('The code has no function ' + name);
    var value = f(ctx);
    end.value = value === undefined ? null : value;
  } catch (e) {
    if (!e || !e.abort && !e.early) throw e;
    end = e;
  }
  end.stash = ctx.stash;
  return end;
};
