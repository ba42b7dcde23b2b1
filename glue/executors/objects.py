"""The objects that an executor may touch, by `s3://bucket/key`. In AWS they are in S3; a folder can stand in for it."""

import os
import shutil

READ_BYTES = 8 << 20


def parse_uri(uri):
    """Bucket and key of `s3://bucket/key`."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise ValueError('Cannot read "%s" as s3://bucket/key' % uri)
    return bucket, key


class S3Objects:
    """Objects in S3, or in whatever speaks its protocol at AWS_ENDPOINT_URL. boto3 is loaded where it is used."""

    def __init__(self):
        self._client = None

    def __getstate__(self):
        return {"_client": None}

    @property
    def _s3(self):
        if self._client is None:
            import boto3

            # The boto3 of the Python shell is older than this variable, so it is passed on by hand.
            endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
            self._client = boto3.client("s3", endpoint_url=endpoint or None)
        return self._client

    def read_text(self, uri):
        bucket, key = parse_uri(uri)
        return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")

    def size(self, uri):
        bucket, key = parse_uri(uri)
        return self._s3.head_object(Bucket=bucket, Key=key)["ContentLength"]

    def read_range(self, uri, start, end):
        """The bytes from `start` up to before `end`, piece by piece."""
        if end <= start:
            return
        bucket, key = parse_uri(uri)
        body = self._s3.get_object(Bucket=bucket, Key=key, Range="bytes=%d-%d" % (start, end - 1))["Body"]
        while True:
            chunk = body.read(READ_BYTES)
            if not chunk:
                return
            yield chunk

    def local_path(self, uri, folder):
        """A path with the object's content, in `folder` where it has to be fetched."""
        bucket, key = parse_uri(uri)
        path = os.path.join(folder, "object-%d" % len(os.listdir(folder)))
        self._s3.download_file(bucket, key, path)
        return path

    def put_file(self, uri, path):
        """Stores a file, which is gone afterwards. Returns its size in bytes."""
        bucket, key = parse_uri(uri)
        size = os.path.getsize(path)
        self._s3.upload_file(path, bucket, key)
        os.remove(path)
        return size

    def put_text(self, uri, text):
        bucket, key = parse_uri(uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=text.encode("utf-8"))


class FolderObjects:
    """Objects as files of a folder, one sub-folder a bucket."""

    def __init__(self, root):
        self._root = root

    def _path(self, uri):
        bucket, key = parse_uri(uri)
        return os.path.join(self._root, bucket, key)

    def _made(self, uri):
        path = self._path(uri)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def read_text(self, uri):
        with open(self._path(uri), encoding="utf-8") as file:
            return file.read()

    def size(self, uri):
        return os.path.getsize(self._path(uri))

    def read_range(self, uri, start, end):
        with open(self._path(uri), "rb") as file:
            file.seek(start)
            while start < end:
                chunk = file.read(min(READ_BYTES, end - start))
                if not chunk:
                    return
                start += len(chunk)
                yield chunk

    def local_path(self, uri, _folder):
        return self._path(uri)

    def put_file(self, uri, path):
        shutil.move(path, self._made(uri))
        return self.size(uri)

    def put_text(self, uri, text):
        with open(self._made(uri), "w", encoding="utf-8") as file:
            file.write(text)


def objects_of(options):
    """S3, or the folder that `--objects_folder` names."""
    folder = options.get("objects_folder")
    return S3Objects() if folder is None else FolderObjects(folder)
