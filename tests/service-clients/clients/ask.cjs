// Asks a Kinora service by the vendor's Node SDK; prints one JSON object a call. The service, the key and the video
// come by the environment. Each call goes out by GET and by POST.
const { RPCClient } = require('@alicloud/pop-core');

const { KINORA_HOST: host, KINORA_VIDEO: VideoId, KINORA_KEY: accessKeyId, KINORA_SECRET: accessKeySecret } = process.env;

function client(apiVersion, credential) {
  return new RPCClient({ endpoint: `http://${host}`, apiVersion, ...credential });
}

async function call(name, asker, action, params, method) {
  const told = { call: name, method };
  try {
    told.reply = await asker.request(action, params, { method, timeout: 20000 });
  } catch (refusal) {
    if (!refusal.code) throw refusal;
    told.code = refusal.code;
    told.status = refusal.entry && refusal.entry.response && refusal.entry.response.statusCode;
    told.request_id = refusal.data && refusal.data.RequestId;
  }
  console.log(JSON.stringify(told));
  return told.reply;
}

async function main() {
  const key = { accessKeyId, accessKeySecret };
  for (const method of ['GET', 'POST']) {
    const own = client('2017-03-21', key);
    const role = { RoleArn: 'acs:ram::1:role/viewer', RoleSessionName: 'node-client', DurationSeconds: 900 };
    const { Credentials: session } = await call('AssumeRole', client('2015-04-01', key), 'AssumeRole', role, method);
    const viewer = client('2017-03-21', {
      accessKeyId: session.AccessKeyId, accessKeySecret: session.AccessKeySecret, securityToken: session.SecurityToken,
    });
    await call('GetVideoPlayAuth', own, 'GetVideoPlayAuth', { VideoId }, method);
    await call('GetVideoInfo', own, 'GetVideoInfo', { VideoId }, method);
    await call('GetPlayInfo', viewer, 'GetPlayInfo', { VideoId }, method);
    await call('unknown video', own, 'GetPlayInfo', { VideoId: '5aed81b74ba84920be578cdfe004af4b' }, method);
    const wrong = client('2017-03-21', { accessKeyId, accessKeySecret: 'wrong' });
    await call('wrong secret', wrong, 'GetPlayInfo', { VideoId }, method);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
