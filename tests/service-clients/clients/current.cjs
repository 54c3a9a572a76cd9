// Asks a Kinora service by the vendor's current Node SDKs, as it is told: one JSON object a line in, one out.
// In: version, action, params, key {id, secret, token}, method (GET or POST). STS goes by its own package, the rest by the
// client that all packages are made on. Out: the reply, or what the exception tells.
const answers = require('./answers.cjs');
const OpenApi = require('@alicloud/openapi-client');
const Util = require('@alicloud/tea-util');
const Sts = require('@alicloud/sts20150401');

const STS = '2015-04-01';

function config({ id, secret, token }) {
  const endpoint = process.env.KINORA_HOST;
  return { endpoint, protocol: 'http', accessKeyId: id, accessKeySecret: secret, securityToken: token || undefined };
}

const lowered = (name) => name[0].toLowerCase() + name.slice(1);

async function askSts({ action, params, key }) {
  const client = new Sts.default(new (require('@alicloud/openapi-core').$OpenApiUtil.Config)(config(key)));
  const named = Object.fromEntries(Object.entries(params).map(([name, value]) => [lowered(name), value]));
  const Request = Sts[`${action}Request`];
  const answer = Request ? await client[lowered(action)](new Request(named)) : await client[lowered(action)]();
  return answer.body.toMap();
}

async function ask(call) {
  if (call.version === STS) return askSts(call);
  const client = new OpenApi.default(new OpenApi.Config(config(call.key)));
  const params = new OpenApi.Params({
    action: call.action, version: call.version, method: call.method, pathname: '/', protocol: 'HTTPS',
    authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
  });
  const request = new OpenApi.OpenApiRequest({ query: call.params });
  return (await client.callApi(params, request, new Util.RuntimeOptions({}))).body;
}

function refusal(error) {
  const data = error.data || {};
  return {
    exception: error.name, status: error.statusCode || data.statusCode, code: error.code, message: error.message,
    request_id: data.RequestId || error.requestId, host_id: data.HostId, recommend: data.Recommend,
  };
}

answers(ask, refusal);
