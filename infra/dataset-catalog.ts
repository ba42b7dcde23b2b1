import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue'
import { Construct } from 'constructs'
import { printPhysicalType } from '../core/column-type.ts'
import type { Contract } from '../core/contract.ts'
import { curatedColumns } from '../core/curated-columns.ts'
import { SluiceError } from '../core/errors.ts'
import type { Catalogue } from './catalogue.ts'
import { CATALOG_DATABASE, type Names } from './names.ts'
import { QualityRuleset } from './quality-ruleset.ts'
import type { Settings } from './settings.ts'

const PARTITION_KEYS = ['tenant', 'ingest_date', 'run'] as const
const PARQUET = 'org.apache.hadoop.hive.ql.io.parquet'

export interface DatasetCatalogProps {
  readonly settings: Settings
  readonly names: Names
  readonly catalogue: Catalogue
}

/** Glue's view of the datasets: the database `curated`, a table a contract, a ruleset a dataset. */
export class DatasetCatalog extends Construct {
  constructor(scope: Construct, id: string, props: DatasetCatalogProps) {
    super(scope, id)
    const { catalogue, settings } = props
    const database = new CfnDatabase(this, 'Database', {
      catalogId: settings.account,
      databaseInput: {
        name: CATALOG_DATABASE,
        description: 'Typed, canonical Parquet, registered after the quality gate',
      },
    })
    for (const contract of catalogue.contracts) {
      const table = this.#table(contract, props)
      table.addResourceDependency(database)
      const ruleset = catalogue.rulesets.find(({ dataset }) => dataset === contract.dataset)
      if (ruleset === undefined) continue
      const { resource } = new QualityRuleset(this, `Rules-${contract.dataset}`, {
        name: contract.dataset,
        dqdl: ruleset.dqdl,
        databaseName: CATALOG_DATABASE,
        tableName: tableNameOf(contract),
      })
      resource.addResourceDependency(table)
    }
  }

  #table(contract: Contract, { names, settings }: DatasetCatalogProps): CfnTable {
    assertNoPartitionKeys(contract)
    return new CfnTable(this, `Table-${contract.dataset}`, {
      catalogId: settings.account,
      databaseName: CATALOG_DATABASE,
      tableInput: {
        name: tableNameOf(contract),
        description: contract.description ?? `Dataset ${contract.dataset}`,
        tableType: 'EXTERNAL_TABLE',
        parameters: { classification: 'parquet', 'sluice.contract_version': String(contract.version) },
        partitionKeys: PARTITION_KEYS.map((name) => ({ name, type: 'string' })),
        storageDescriptor: {
          columns: curatedColumns(contract).map((column) => ({
            name: column.name,
            type: printPhysicalType(column, 'glue'),
          })),
          location: `s3://${names.bucket('curated')}/${contract.dataset}/`,
          inputFormat: `${PARQUET}.MapredParquetInputFormat`,
          outputFormat: `${PARQUET}.MapredParquetOutputFormat`,
          serdeInfo: { serializationLibrary: `${PARQUET}.serde.ParquetHiveSerDe` },
        },
      },
    })
  }
}

/** As the warehouse names its tables: Athena and Hive take no `-`. The ingest machine computes the same name. */
const tableNameOf = ({ dataset }: Contract): string => dataset.replaceAll('-', '_')

/** A column named like a partition key would make the table unreadable. */
function assertNoPartitionKeys(contract: Contract): void {
  const clash = contract.columns.find(({ name }) => PARTITION_KEYS.some((key) => key === name))
  if (clash === undefined) return
  throw new SluiceError(
    'invalid_contract',
    `Cannot use contract "${contract.dataset}" as its column "${clash.name}" is named like a partition key`,
    { expected: `a name other than ${PARTITION_KEYS.join(', ')}`, found: clash.name },
  )
}
