"""Asks a Kinora service by the vendor's older Python SDK, as it is told: one JSON object a line in, one out.

In: version, action, params, key {id, secret, token}, method (GET or POST). Out: the reply, or what the exception tells.
"""
import importlib
import json
import os
import sys

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient

PACKAGES = {"2017-03-21": "aliyunsdkvod.request.v20170321", "2015-04-01": "aliyunsdksts.request.v20150401"}


def ask(call):
    key, action = call["key"], call["action"]
    if key["token"]:
        credential = StsTokenCredential(key["id"], key["secret"], key["token"])
    else:
        credential = AccessKeyCredential(key["id"], key["secret"])
    client = AcsClient(region_id="cn-shanghai", credential=credential, auto_retry=False)
    module = importlib.import_module(f"{PACKAGES[call['version']]}.{action}Request")
    request = getattr(module, action + "Request")()
    for name, value in call["params"].items():
        getattr(request, "set_" + name)(value)
    request.set_endpoint(os.environ["KINORA_HOST"])
    request.set_protocol_type("http")
    request.set_accept_format("json")
    request.set_method(call["method"])
    return json.loads(client.do_action_with_exception(request))


def refusal(error):
    return {
        "status": error.get_http_status(),
        "code": error.get_error_code(),
        "message": error.get_error_msg(),
        "request_id": error.get_request_id(),
    }


for line in sys.stdin:
    try:
        answer = {"reply": ask(json.loads(line))}
    except ServerException as error:
        answer = {"refusal": refusal(error)}
    print(json.dumps(answer), flush=True)
