/**
 * parquetjs-lite 0.8.7 assigns its Thrift classes to names it never declares, which an ES module bundle, strict throughout,
 * refuses. Import this before it: the names then exist. A test loads the bundle.
 */
const UNDECLARED = (
  'Statistics StringType UUIDType MapType ListType EnumType DateType NullType DecimalType MilliSeconds MicroSeconds ' +
  'NanoSeconds TimeUnit TimestampType TimeType IntType JsonType BsonType LogicalType SchemaElement DataPageHeader ' +
  'IndexPageHeader DictionaryPageHeader DataPageHeaderV2 PageHeader KeyValue SortingColumn PageEncodingStats ' +
  'ColumnMetaData ColumnChunk RowGroup TypeDefinedOrder ColumnOrder PageLocation OffsetIndex ColumnIndex FileMetaData'
).split(' ')

for (const name of UNDECLARED)
  if (!(name in globalThis))
    Object.defineProperty(globalThis, name, { value: undefined, writable: true, configurable: true })

// It also makes its buffers the deprecated way; the notice would stand in the log as a line that is no JSON.
process.noDeprecation = true
