"""Asks a Kinora service by the vendor's current Python SDKs, as it is told: one JSON object a line in, one out.

In: version, action, params, key {id, secret, token}, method (SYNC or ASYNC). Out: what the SDK's models read of the reply,
under the names of the wire, or what its exception tells.
"""
import asyncio
import importlib
import json
import os
import sys

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions

PACKAGES = {
    "2017-03-21": "alibabacloud_vod20170321",
    "2015-04-01": "alibabacloud_sts20150401",
    "2014-06-18": "alibabacloud_mts20140618",
}


def find(where, name):
    """The generated name for a name of the wire: GetPlayInfo is get_play_info, UploadMediaByURL upload_media_by_url."""
    return next(known for known in dir(where) if known.replace("_", "") == name.lower())


def ask(call):
    package, key = PACKAGES[call["version"]], call["key"]
    models = importlib.import_module(package + ".models")
    config = Config(
        endpoint=os.environ["KINORA_HOST"],
        protocol="http",
        access_key_id=key["id"],
        access_key_secret=key["secret"],
        security_token=key["token"],
    )
    client = importlib.import_module(package + ".client").Client(config)
    request = getattr(models, call["action"] + "Request", None)
    arguments = [request().from_map(call["params"])] if request else []
    arguments.append(RuntimeOptions())
    name = find(type(client), call["action"])
    if call["method"] == "ASYNC":
        asked = getattr(client, name + "_with_options_async")(*arguments)
        return asyncio.run(asked).body.to_map()
    return getattr(client, name + "_with_options")(*arguments).body.to_map()


def refusal(error):
    data = error.data or {}
    return {
        "exception": type(error).__name__,
        "status": error.status_code,
        "code": error.code,
        "message": error.message,
        "request_id": error.request_id,
        "host_id": data.get("HostId"),
        "recommend": data.get("Recommend"),
    }


for line in sys.stdin:
    try:
        answer = {"reply": ask(json.loads(line))}
    except AlibabaCloudException as error:
        answer = {"refusal": refusal(error)}
    print(json.dumps(answer), flush=True)
