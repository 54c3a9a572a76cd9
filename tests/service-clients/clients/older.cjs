// Asks a Kinora service by the vendor's older Node SDK, as it is told: one JSON object a line in, one out.
// In: version, action, params, key {id, secret, token}, method (GET or POST). Out: the reply, or what the exception tells.
const answers = require('./answers.cjs');
const { RPCClient } = require('@alicloud/pop-core');

function ask({ version, action, params, key, method }) {
  const client = new RPCClient({
    endpoint: `http://${process.env.KINORA_HOST}`, apiVersion: version,
    accessKeyId: key.id, accessKeySecret: key.secret, securityToken: key.token || undefined,
  });
  return client.request(action, params, { method, timeout: 20000 });
}

function refusal(error) {
  const data = error.data || {};
  const response = error.entry && error.entry.response;
  return {
    status: response && response.statusCode, code: error.code, message: error.message,
    request_id: data.RequestId, host_id: data.HostId, recommend: data.Recommend,
  };
}

answers(ask, refusal);
