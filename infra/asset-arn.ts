import type { Asset } from 'aws-cdk-lib/aws-s3-assets'

/** ARN of the one object that an asset is. */
export const assetArnOf = (asset: Asset): string => `arn:aws:s3:::${asset.s3BucketName}/${asset.s3ObjectKey}`
