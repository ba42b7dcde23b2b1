import { describe, expect, test } from '@jest/globals'
import type { Json } from '../../../core/json.ts'
import { harness } from './harness.ts'

const PASS = { Type: 'Pass', End: true }
const machine = (States: Json, more: Record<string, Json> = {}) => ({
  QueryLanguage: 'JSONata',
  StartAt: 'A',
  States,
  ...more,
})

const TASK = { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', End: true }
const distributedMap = (name: string, more: Record<string, Json> = {}) => ({
  Type: 'Map',
  ItemProcessor: {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: name,
    States: { [name]: PASS as Json },
  },
  End: true,
  ...more,
})

const REFUSED: readonly { readonly why: string; readonly definition: Json; readonly message: string }[] = [
  {
    why: 'a JSONPath machine',
    definition: { StartAt: 'A', States: { A: PASS } },
    message:
      'SCHEMA_VALIDATION_FAILED: Only JSONata definitions run on this runtime: set "QueryLanguage" to "JSONata", which is now JSONPath, the default at /QueryLanguage',
  },
  {
    why: 'a machine without states',
    definition: { QueryLanguage: 'JSONata' },
    message: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /',
  },
  {
    why: 'a JSONPath state in a JSONata machine',
    definition: machine({ A: { ...PASS, QueryLanguage: 'JSONPath' } }),
    message:
      "SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/A",
  },
  {
    why: 'a transition to nowhere',
    definition: machine({ A: { Type: 'Pass', Next: 'B' } }),
    message: "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next",
  },
  {
    why: 'a state that nothing reaches',
    definition: machine({ A: PASS, B: PASS }),
    message: 'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
  },
  {
    why: 'a resource that does not exist',
    definition: machine({ A: { Type: 'Task', Resource: 'arn:aws:states:::dynamodb:query', End: true } }),
    message:
      'SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::dynamodb:query is not recognized. The value is not a valid resource ARN, or the resource is not available in this region. at /States/A/Resource',
  },
  {
    why: 'a timeout that is no whole number of seconds',
    definition: machine({
      A: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', TimeoutSeconds: 1.5, End: true },
    }),
    message: 'SCHEMA_VALIDATION_FAILED: Expected an integer between 0 and 99999999 at /States/A/TimeoutSeconds',
  },
  {
    why: 'a query language of a branch',
    definition: machine({
      A: {
        Type: 'Parallel',
        Branches: [{ QueryLanguage: 'JSONata', StartAt: 'B', States: { B: PASS } }],
        End: true,
      },
    }),
    message: "SCHEMA_VALIDATION_FAILED: Field 'QueryLanguage' is not supported at /States/A/Branches[0]",
  },
  {
    why: 'credentials without a role',
    definition: machine({
      A: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Credentials: {}, End: true },
    }),
    message: "SCHEMA_VALIDATION_FAILED: The field 'RoleArn' is required but was missing at /States/A/Credentials",
  },
  {
    why: 'a wait for a time that is none',
    definition: machine({ A: { Type: 'Wait', Timestamp: '2016-03-14 01:59:00', End: true } }),
    message: 'SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp',
  },
  {
    why: 'a name without a context value',
    definition: machine({ A: { ...PASS, Output: { v: '{% phone %}' } } }),
    message:
      "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/A/Output/v",
  },
  {
    why: 'a member of $states that the field lacks',
    definition: machine({ A: { ...PASS, Output: '{% $states.result %}' } }),
    message: "UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.result' does not exist. at /States/A/Output",
  },
  {
    why: 'an inner scope that assigns an outer variable',
    definition: machine({
      A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
      B: { Type: 'Parallel', Branches: [{ StartAt: 'C', States: { C: { ...PASS, Assign: { x: 2 } } } }], End: true },
    }),
    message:
      "SCHEMA_VALIDATION_FAILED: Variable 'x' is already assigned in an outer scope at /States/B/Branches[0]/States",
  },
  {
    why: 'states that only reach each other',
    definition: machine({ A: PASS, B: { Type: 'Pass', Next: 'B' } }),
    message: 'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
  },
  {
    why: 'an operation that the SDK does not have',
    definition: machine({ A: { ...TASK, Resource: 'arn:aws:states:::aws-sdk:s3:fetchObject' } }),
    message:
      'SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::aws-sdk:s3:fetchObject is not recognized. The value is not a valid resource ARN, or the resource is not available in this region. at /States/A/Resource',
  },
  {
    why: 'a member that a request of the SDK does not have, inside an iteration too',
    definition: machine({
      A: {
        Type: 'Map',
        ItemProcessor: {
          StartAt: 'B',
          States: {
            B: {
              ...TASK,
              Resource: 'arn:aws:states:::aws-sdk:s3:deleteObjects',
              Arguments: { Bucket: 'b', Delete: { Objects: [{ Key: 'k', versionId: '1' }] } },
            },
          },
        },
        End: true,
      },
    }),
    message:
      "SCHEMA_VALIDATION_FAILED: The field 'versionId' is not supported by Step Functions at /States/A/ItemProcessor/States/B/Arguments",
  },
  {
    why: 'a machine that never ends',
    definition: machine({ A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } }),
    message: 'MISSING_END_STATE: Workflow has no terminal state at null',
  },
  {
    why: 'a field that the type of state does not have, at the state',
    definition: machine({ A: { ...PASS, Catch: [] } }),
    message: "SCHEMA_VALIDATION_FAILED: Field 'Catch' is not supported at /States/A",
  },
  {
    why: 'half an expression, at any depth',
    definition: machine({ A: { ...PASS, Output: { a: ['{% 1'] } } }),
    message: 'SCHEMA_VALIDATION_FAILED: Malformed expression delimiters in: {% 1 at /States/A/Output/a[0]',
  },
  {
    why: 'a comparison of JSONPath in a rule',
    definition: machine({ A: { Type: 'Choice', Choices: [{ Condition: true, Variable: '$.a', Next: 'B' }] }, B: PASS }),
    message:
      "SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'Variable' is only supported for the 'JSONPath' QueryLanguage at /States/A/Choices[0]",
  },
  {
    why: 'a condition that can never be one',
    definition: machine({ A: { Type: 'Choice', Choices: [{ Condition: 'true', Next: 'B' }] }, B: PASS }),
    message: 'SCHEMA_VALIDATION_FAILED: Expected a boolean or an expression at /States/A/Choices[0]/Condition',
  },
  {
    why: 'a field of a retrier that there is not',
    definition: machine({ A: { ...TASK, Retry: [{ ErrorEquals: ['E'], MaxAttempt: 1 }] } }),
    message: "SCHEMA_VALIDATION_FAILED: Field 'MaxAttempt' is not supported at /States/A/Retry[0]",
  },
  {
    why: 'a heartbeat that comes no sooner than the timeout',
    definition: machine({ A: { ...TASK, TimeoutSeconds: 5, HeartbeatSeconds: 5 } }),
    message:
      'SCHEMA_VALIDATION_FAILED: HeartbeatSeconds must be smaller than TimeoutSeconds at /States/A/HeartbeatSeconds',
  },
  {
    why: 'more than every item tolerated',
    definition: machine({ A: distributedMap('B', { ToleratedFailurePercentage: 101 }) }),
    message: 'SCHEMA_VALIDATION_FAILED: Maximum value is 100.0 at /States/A/ToleratedFailurePercentage',
  },
  {
    why: 'two Maps of one label',
    definition: machine({
      A: { ...distributedMap('B', { Label: 'l', Next: 'C' }), End: false },
      C: distributedMap('D', { Label: 'l' }),
    }),
    message: 'SCHEMA_VALIDATION_FAILED: Duplicate label: l at /States/C/Label',
  },
  {
    why: 'a job that is waited for in an Express child',
    definition: machine({
      A: {
        Type: 'Map',
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
          StartAt: 'B',
          States: { B: { ...TASK, Resource: 'arn:aws:states:::glue:startJobRun.sync' } },
        },
        End: true,
      },
    }),
    message:
      "SCHEMA_VALIDATION_FAILED: Express state machine does not support 'sync' service integration at /States/A/ItemProcessor/States/B/Resource",
  },
]

describe('creation', () => {
  test.each(REFUSED)('refuses $why', async ({ definition, message }) => {
    const { call } = harness()
    const text = JSON.stringify(definition)
    await expect(call('CreateStateMachine', { name: 'm', roleArn: 'r', definition: text })).rejects.toMatchObject({
      code: 'InvalidDefinition',
      message: `Invalid State Machine Definition: '${message}'`,
    })
    expect(await call('ValidateStateMachineDefinition', { definition: text })).toMatchObject({ result: 'FAIL' })
  })

  test('refuses an expression that does not parse, at its place', async () => {
    const { call } = harness()
    const { diagnostics } = await call('ValidateStateMachineDefinition', {
      definition: JSON.stringify(machine({ A: { ...PASS, Output: ['{% $states.input. %}'] } })),
    })
    expect(diagnostics).toMatchObject([{ code: 'INVALID_JSONATA_EXPRESSION', location: '/States/A/Output[0]' }])
  })

  test('asl-validator has nothing to add about a machine that is right, and warns about what only it knows', async () => {
    const { call } = harness()
    const right = machine({ A: { ...PASS, Output: 3 } })
    expect(await call('ValidateStateMachineDefinition', { definition: JSON.stringify(right) })).toMatchObject({
      result: 'OK',
      diagnostics: [],
    })
    const { result, diagnostics } = await call('ValidateStateMachineDefinition', {
      definition: JSON.stringify({ ...right, Comment: 3 }),
    })
    expect(result).toBe('OK')
    expect(diagnostics).toMatchObject([{ severity: 'WARNING', code: 'ASL_VALIDATOR' }])
    const definition = JSON.stringify({ ...right, Comment: 3 })
    expect(await call('ValidateStateMachineDefinition', { definition, severity: 'ERROR' })).toMatchObject({
      result: 'OK',
      diagnostics: [],
    })
  })

  test('refuses a job that is waited for in an Express machine', async () => {
    const { create } = harness()
    const task = { Type: 'Task', Resource: 'arn:aws:states:::glue:startJobRun.sync', Arguments: {}, End: true }
    await expect(create('m', { A: task }, {}, 'EXPRESS')).rejects.toMatchObject({ code: 'InvalidDefinition' })
  })

  test('a machine says which variables its states refer to', async () => {
    const { call, create } = harness()
    const stateMachineArn = await create('m', {
      A: { Type: 'Pass', Assign: { x: 1, ünï: '{% $count($states.input) %}' }, Next: 'B' },
      B: {
        Type: 'Map',
        Items: '{% [$x] %}',
        ItemProcessor: {
          StartAt: 'C',
          States: { C: { Type: 'Pass', Assign: { y: '{% $ünï + $x %}' }, Output: '{% $local := $x %}', End: true } },
        },
        End: true,
      },
    })
    const { variableReferences } = await call('DescribeStateMachine', { stateMachineArn })
    expect(variableReferences).toEqual({ B: ['x'], C: ['ünï', 'x'] })
  })

  test('text that only ends like an expression, or has space around it, is text', async () => {
    const { create, run } = harness()
    const Output = { notAnExpression: 'total: {% $x %}', spaced: [' {% 1 %} '], one: '{%1%}' }
    const arn = await create('m', { A: { ...PASS, Output } })
    expect(JSON.parse(String((await run(arn)).output))).toEqual({ ...Output, one: 1 })
  })

  test('creating the same machine again is no fault, another definition under its name is', async () => {
    const { create } = harness()
    const arn = await create('m', { A: PASS })
    expect(await create('m', { A: PASS })).toBe(arn)
    await expect(create('m', { A: { Type: 'Succeed' } })).rejects.toMatchObject({ code: 'StateMachineAlreadyExists' })
  })
})
