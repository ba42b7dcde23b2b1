/** Synthesizes a bucket that nothing protects, with the checks of the app: `TEST-25` expects it to be refused. */
import { setFlagsFromString } from 'node:v8'
import { App, Stack, Validations } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { AwsSolutionsChecks } from 'cdk-nag'

// As in infra/app.ts: optimizing the checks takes longer than running them.
setFlagsFromString('--liftoff-only')
const app = new App({ outdir: process.argv[2] ?? '', analyticsReporting: false })
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }))
new Bucket(new Stack(app, 'Insecure'), 'Bucket')
app.synth()
