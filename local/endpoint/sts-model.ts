/** The one operation of STS that clients use to ask who they are. */

export const GetCallerIdentity$ = [
  9,
  'com.amazonaws.sts',
  'GetCallerIdentity',
  0,
  [3, 'com.amazonaws.sts', 'GetCallerIdentityRequest', 0, [], []],
  [3, 'com.amazonaws.sts', 'GetCallerIdentityResponse', 0, ['UserId', 'Account', 'Arn'], [0, 0, 0]],
]
