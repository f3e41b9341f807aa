#!/usr/bin/env node
// The npm compiler behind solc's own command line, so that forge and ape, which expect a native solc, can use it.
//
// npm carries the compiler as WebAssembly. This facade speaks the part of the command line that those
// two use: --version and --standard-json. It reads imports from the base path and the include paths, and
// packages also from beside this script: ape compiles a copy of the sources that has no node_modules.
'use strict'

const fs = require('fs')
const path = require('path')

const ROOT = path.resolve(__dirname, '..')
const PACKAGES = path.join('contracts', 'node_modules')
const COMPILER = path.join(ROOT, PACKAGES, 'solc')
const STDIN = 0

/** The options of one call: where sources lie, and what is asked. Unknown options are an error. */
function parse(argv) {
  const options = { version: false, standardJson: false, input: null, base: process.cwd(), include: [] }
  const rest = [...argv]
  const value = (name) => {
    if (rest.length === 0) throw new Error(`${name} needs a value`)
    return rest.shift()
  }
  while (rest.length > 0) {
    const option = rest.shift()
    switch (option) {
      case '--version':
        options.version = true
        break
      case '--standard-json':
        options.standardJson = true
        break
      case '--base-path':
        options.base = path.resolve(value(option))
        break
      case '--include-path':
      case '-I':
        options.include.push(path.resolve(value(option)))
        break
      case '--allow-paths':
        value(option) // The roots below are the only paths that are ever read.
        break
      default:
        if (option.startsWith('-') || options.input !== null) throw new Error(`unknown option ${option}`)
        options.input = option
    }
  }
  return options
}

/** Reads `name` under the first root that has it; never outside the roots, and packages from ours at last. */
function reader(roots) {
  return (name) => {
    const packaged = path.normalize(name).startsWith(PACKAGES + path.sep)
    for (const root of packaged ? [...roots, ROOT] : roots) {
      const file = path.resolve(root, name)
      if (!file.startsWith(root + path.sep)) continue
      if (fs.existsSync(file)) return { contents: fs.readFileSync(file, 'utf8') }
    }
    return { error: `${name} is under none of ${roots.join(', ')}` }
  }
}

/** The banner of a native solc. Callers parse the number and the commit out of it. */
function banner() {
  // The commit stands in the compiler itself; loading 9 MB of WebAssembly tells it.
  const version = require(COMPILER).version().replace('.Emscripten.clang', '.Linux.g++')
  return `solc, the solidity compiler commandline interface\nVersion: ${version}\n`
}

function main() {
  const options = parse(process.argv.slice(2))
  if (options.version) return banner()
  if (!options.standardJson) throw new Error('only --version and --standard-json are spoken here')
  const input = fs.readFileSync(options.input ?? STDIN, 'utf8')
  return require(COMPILER).compile(input, { import: reader([options.base, ...options.include]) })
}

try {
  process.stdout.write(main())
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
