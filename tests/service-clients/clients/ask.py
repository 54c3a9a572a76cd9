"""Asks a Kinora service by the vendor's Python SDK; prints one JSON object a call.

The service, the key and the video come by the environment. Each call goes out by GET and by POST.
"""
import json
import os

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest
from aliyunsdkvod.request.v20170321.GetPlayInfoRequest import GetPlayInfoRequest
from aliyunsdkvod.request.v20170321.GetVideoInfoRequest import GetVideoInfoRequest
from aliyunsdkvod.request.v20170321.GetVideoPlayAuthRequest import GetVideoPlayAuthRequest

HOST, VIDEO = os.environ["KINORA_HOST"], os.environ["KINORA_VIDEO"]
KEY, SECRET = os.environ["KINORA_KEY"], os.environ["KINORA_SECRET"]


def client(credential):
    return AcsClient(region_id="cn-shanghai", credential=credential, auto_retry=False)


def call(name, asker, request, method):
    request.set_endpoint(HOST)
    request.set_protocol_type("http")
    request.set_accept_format("json")
    request.set_method(method)
    told = {"call": name, "method": method}
    try:
        told["reply"] = json.loads(asker.do_action_with_exception(request))
    except ServerException as refusal:
        told["status"], told["code"] = refusal.get_http_status(), refusal.get_error_code()
        told["request_id"] = refusal.get_request_id()
    print(json.dumps(told), flush=True)
    return told.get("reply")


def about(kind, video):
    request = kind()
    request.set_VideoId(video)
    return request


def assume():
    request = AssumeRoleRequest()
    request.set_RoleArn("acs:ram::1:role/viewer")
    request.set_RoleSessionName("python-client")
    request.set_DurationSeconds(900)
    return request


for method in ("GET", "POST"):
    own = client(AccessKeyCredential(KEY, SECRET))
    session = call("AssumeRole", own, assume(), method)["Credentials"]
    role = client(StsTokenCredential(session["AccessKeyId"], session["AccessKeySecret"], session["SecurityToken"]))
    call("GetVideoPlayAuth", own, about(GetVideoPlayAuthRequest, VIDEO), method)
    call("GetVideoInfo", own, about(GetVideoInfoRequest, VIDEO), method)
    call("GetPlayInfo", role, about(GetPlayInfoRequest, VIDEO), method)
    call("unknown video", own, about(GetPlayInfoRequest, "5aed81b74ba84920be578cdfe004af4b"), method)
    call("wrong secret", client(AccessKeyCredential(KEY, "wrong")), about(GetPlayInfoRequest, VIDEO), method)
