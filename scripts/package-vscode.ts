import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { messageOf, SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { type ArchivedFile, zipOf } from '../local/runtime/zip-archive.ts'

const SOURCE = 'editors/vscode'

interface Manifest {
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly version: string
  readonly publisher: string
  readonly engine: string
}

function readManifest(): Manifest {
  const manifest: unknown = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8'))
  const engines = isJsonObject(manifest) ? manifest.engines : null
  const text = (value: unknown, name: string): string => {
    if (typeof value === 'string') return value
    throw new SluiceError('invalid_manifest', `Cannot package ${SOURCE}: ${name} must be a text`)
  }
  const members = isJsonObject(manifest) ? manifest : {}
  return {
    name: text(members.name, 'name'),
    displayName: text(members.displayName, 'displayName'),
    description: text(members.description, 'description'),
    version: text(members.version, 'version'),
    publisher: text(members.publisher, 'publisher'),
    engine: text(isJsonObject(engines) ? engines.vscode : null, 'engines.vscode'),
  }
}

const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

const vsixManifest = ({ name, displayName, description, version, publisher, engine }: Manifest): string =>
  `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${xml(name)}" Version="${xml(version)}" Publisher="${xml(publisher)}"/>
    <DisplayName>${xml(displayName)}</DisplayName>
    <Description xml:space="preserve">${xml(description)}</Description>
    <Categories>Programming Languages,Linters,Formatters</Categories>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="${xml(engine)}"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="workspace"/>
    </Properties>
    <License>extension/LICENSE.txt</License>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
  </Assets>
</PackageManifest>
`

const CONTENT_TYPES = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension=".json" ContentType="application/json"/>
  <Default Extension=".cjs" ContentType="application/javascript"/>
  <Default Extension=".md" ContentType="text/markdown"/>
  <Default Extension=".txt" ContentType="text/plain"/>
  <Default Extension=".vsixmanifest" ContentType="text/xml"/>
</Types>
`

/** The client in one file; the editor itself brings `vscode`. */
async function bundle(): Promise<Buffer> {
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, 'src/extension.ts')],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    external: ['vscode'],
    minify: true,
    logLevel: 'warning',
  })
  const [file] = outputFiles
  if (file === undefined) throw new SluiceError('not_bundled', `Cannot package ${SOURCE}: nothing was bundled`)
  return Buffer.from(file.contents)
}

const fromSource = (path: string): ArchivedFile => ({
  name: `extension/${path}`,
  content: readFileSync(join(SOURCE, path)),
})

/** `npm run package:vscode [-- FOLDER]`: writes the extension, to be installed with `code --install-extension`. */
async function main(): Promise<void> {
  const folder = process.argv[2] ?? 'dist'
  const manifest = readManifest()
  const archive = zipOf([
    { name: 'extension.vsixmanifest', content: Buffer.from(vsixManifest(manifest)) },
    { name: '[Content_Types].xml', content: Buffer.from(CONTENT_TYPES) },
    fromSource('package.json'),
    fromSource('README.md'),
    fromSource('language-configuration.json'),
    ...readdirSync(join(SOURCE, 'syntaxes')).map((name) => fromSource(join('syntaxes', basename(name)))),
    { name: 'extension/LICENSE.txt', content: readFileSync('LICENSE') },
    { name: 'extension/dist/extension.cjs', content: await bundle() },
  ])
  const file = join(folder, `${manifest.name}-${manifest.version}.vsix`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, archive)
  process.stdout.write(`${file} (${archive.length} bytes)\n`)
}

main().catch((thrown: unknown) => {
  process.stderr.write(`${messageOf(thrown)}\n`)
  process.exitCode = 3
})
