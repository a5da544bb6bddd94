// Makes JavaScript of TypeScript, each file for itself, by the compiler that the
// application has: node transpile.js TYPESCRIPT TSCONFIG FROM TO < FILES
const fs = require('fs')
const path = require('path')
const [typescript, config, from, to] = process.argv.slice(2)
const ts = require(typescript)
const read = ts.readConfigFile(config, ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(read.config || {}, { ...ts.sys, readDirectory: () => [] }, from)
Object.assign(options, { module: ts.ModuleKind.CommonJS, sourceMap: false, inlineSourceMap: false, declaration: false, noEmit: false })
for (const file of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const out = path.join(to, file)
  fs.mkdirSync(path.dirname(out), { recursive: true })
  const text = fs.readFileSync(path.join(from, file), 'utf8')
  fs.writeFileSync(out, ts.transpileModule(text, { fileName: file, compilerOptions: options }).outputText)
}
