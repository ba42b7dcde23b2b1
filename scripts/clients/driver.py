"""Calls operations with boto3 or with the AWS CLI, as the argument says; one JSON line each way.

The CLI's own entry point is called in this process with the arguments of a command line, so that hundreds of commands do
not each pay for the start of Python. What is not in its output (status and request id) is seen by botocore's event hook.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from base64 import b64decode, b64encode
from datetime import datetime, timedelta

if sys.argv[1] == "aws-cli":
    import awscli.clidriver
    from awscli.botocore import xform_name
    from awscli.botocore.exceptions import BotoCoreError
else:
    import boto3
    from botocore import xform_name
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

CLI_NAMES = {"s3": "s3api"}


def plain(value):
    """Outputs as JSON: times as text, bytes and bodies as {"$bytes": base64}."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": b64encode(value).decode()}
    if hasattr(value, "read"):
        return {"$bytes": b64encode(value.read()).decode()}
    return value


def given(value):
    """Inputs from JSON."""
    if isinstance(value, dict):
        if "$bytes" in value:
            return b64decode(value["$bytes"])
        if "$date" in value:
            return value["$date"]
        return {key: given(item) for key, item in value.items()}
    if isinstance(value, list):
        return [given(item) for item in value]
    return value


def failed(code, message, metadata):
    return {
        "code": code,
        "message": message,
        "status": metadata.get("HTTPStatusCode"),
        "requestId": metadata.get("RequestId"),
    }


@contextlib.contextmanager
def clock(skew_seconds):
    """Signs as a machine whose clock is wrong. The CLI has a botocore of its own, which it loads under more than one name."""
    signers = [module for name, module in list(sys.modules.items()) if name.endswith("botocore.auth")]
    former = [module.get_current_datetime for module in signers]
    for module, now in zip(signers, former):
        module.get_current_datetime = lambda *args, now=now, **kwargs: now(*args, **kwargs) + timedelta(seconds=skew_seconds)
    try:
        yield
    finally:
        for module, now in zip(signers, former):
            module.get_current_datetime = now


def altered(request, **_):
    """Adds to a request what its signature does not cover."""
    separator = "&" if "?" in request.url else "?"
    request.url += separator + "altered=1"


def operation_of(session, service, operation):
    return session.get_service_model(service).operation_model(operation)


class Boto3:
    def __init__(self):
        self.session = boto3.session.Session()
        self.clients = {}

    def client(self, service, options):
        name = json.dumps([service, options.get("credentials"), options.get("alter")])
        if name not in self.clients:
            keys = options.get("credentials") or {}
            client = self.session.client(
                service,
                aws_access_key_id=keys.get("accessKeyId"),
                aws_secret_access_key=keys.get("secretAccessKey"),
                config=Config(retries={"total_max_attempts": 1}, signature_version="s3v4" if service == "s3" else None),
            )
            if options.get("alter"):
                client.meta.events.register("before-send", altered)
            self.clients[name] = client
        return self.clients[name]

    def call(self, service, operation, values, options):
        client = self.client(service, options)
        try:
            output = getattr(client, xform_name(operation))(**given(values))
        except ClientError as error:
            found = error.response.get("Error", {})
            metadata = error.response.get("ResponseMetadata", {})
            return {"error": failed(found.get("Code"), found.get("Message"), metadata)}
        metadata = output.pop("ResponseMetadata", {})
        return {"output": plain(output), "status": metadata.get("HTTPStatusCode"), "requestId": metadata.get("RequestId")}

    def presign(self, operation, values, expires_seconds):
        return self.client("s3", {}).generate_presigned_url(
            xform_name(operation), Params=given(values), ExpiresIn=expires_seconds
        )


class Cli:
    def __init__(self):
        self.seen = {}
        self.alter = False
        self.renew()

    def renew(self):
        """Takes the environment's keys anew."""
        self.driver = awscli.clidriver.create_clidriver()
        self.driver.session.register("after-call", self.observe)
        self.driver.session.register("before-send", self.before_send)

    def observe(self, http_response, parsed, **_):
        self.seen = {"metadata": parsed.get("ResponseMetadata", {}), "error": parsed.get("Error")}

    def before_send(self, request, **_):
        if self.alter:
            altered(request)

    def run(self, arguments, options):
        """Standard output, the exit code and what was said of an error, for one command line."""
        keys = options.get("credentials") or {}
        former = {name: os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        if keys:
            os.environ["AWS_ACCESS_KEY_ID"] = keys["accessKeyId"]
            os.environ["AWS_SECRET_ACCESS_KEY"] = keys["secretAccessKey"]
            self.renew()
        self.seen = {}
        self.alter = bool(options.get("alter"))
        out, err = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = self.driver.main(arguments)
        except SystemExit as ended:
            code = ended.code
        finally:
            if keys:
                for name, value in former.items():
                    os.environ[name] = value
                self.renew()
        return out.getvalue(), code, err.getvalue()

    def call(self, service, operation, values, options):
        model = operation_of(self.driver.session, service, operation)
        with tempfile.TemporaryDirectory() as folder:
            arguments = [CLI_NAMES.get(service, service), xform_name(operation, "-"), "--no-paginate", "--output", "json"]
            members = {}
            for name, value in values.items():
                option = f"--{xform_name(name, '-')}"
                if isinstance(value, dict) and "$bytes" in value:
                    path = os.path.join(folder, name)
                    with open(path, "wb") as file:
                        file.write(b64decode(value["$bytes"]))
                    arguments.append(f"{option}={path if service == 's3' else f'fileb://{path}'}")
                elif isinstance(value, bool):
                    arguments.append(option if value else option.replace("--", "--no-", 1))
                elif model.has_streaming_output:
                    plain_value = given(value)
                    text = plain_value if isinstance(plain_value, str) else json.dumps(plain_value)
                    arguments.append(f"{option}={text}")
                else:
                    members[name] = given(value)
            if service == "sqs":
                # The CLI 1 has an older name of SQS's host, which it prefers to AWS_ENDPOINT_URL.
                arguments += ["--endpoint-url", os.environ["AWS_ENDPOINT_URL"]]
            outfile = os.path.join(folder, "output")
            if members:
                arguments += ["--cli-input-json", json.dumps(members)]
            if model.has_streaming_output:
                arguments.append(outfile)
            text, code, said = self.run(arguments, options)
            metadata, error = self.seen.get("metadata", {}), self.seen.get("error")
            if code != 0:
                return {"error": failed((error or {}).get("Code"), (error or {}).get("Message") or said.strip(), metadata)}
            output = json.loads(text) if text.strip() else {}
            if model.has_streaming_output:
                with open(outfile, "rb") as file:
                    member = model.output_shape.serialization["payload"]
                    output[member] = {"$bytes": b64encode(file.read()).decode()}
            return {"output": output, "status": metadata.get("HTTPStatusCode"), "requestId": metadata.get("RequestId")}

    def presign(self, operation, values, expires_seconds):
        """The CLI signs reads only."""
        place = f"s3://{values['Bucket']}/{values['Key']}"
        text, _, said = self.run(["s3", "presign", place, "--expires-in", str(expires_seconds)], {})
        return text.strip() or said


def answer(client, request):
    if "presign" in request:
        asked = request["presign"]
        return {"output": client.presign(asked["operation"], asked["input"], asked["expiresSeconds"])}
    options = request.get("options") or {}
    with clock(options.get("skewSeconds", 0)):
        return client.call(request["service"], request["operation"], request["input"], options)


def main():
    client = Cli() if sys.argv[1] == "aws-cli" else Boto3()
    wire = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = answer(client, request)
        except (BotoCoreError, TypeError, ValueError, KeyError, AttributeError, OSError) as error:
            reply = {"error": {"code": type(error).__name__, "message": str(error), "status": None, "requestId": None}}
        wire.write(json.dumps({"id": request["id"], **reply}) + "\n")
        wire.flush()


main()
