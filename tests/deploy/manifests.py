"""The manifests of a kustomization: read as kustomize would, looked up as a control plane would."""

import yaml


def read(folder):
    """All documents of the kustomization in `folder`, its patches applied, and the files that they are from."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    documents, files = [], [folder / "kustomization.yaml"]
    for resource in kustomization["resources"]:
        path = (folder / resource).resolve()
        if path.is_dir():
            inner, inner_files = read(path)
            documents += inner
            files += inner_files
        else:
            documents += [document for document in yaml.safe_load_all(path.read_text()) if document]
            files.append(path)
    for patch in kustomization.get("patches", []):
        targets = [each for each in documents
                   if each["kind"] == patch["target"]["kind"] and each["metadata"]["name"] == patch["target"]["name"]]
        assert targets, f"{folder}: nothing has the target of {patch}"
        change = yaml.safe_load(patch["patch"])
        for target in targets:
            if isinstance(change, dict):
                assert change["$patch"] == "delete" and (change["kind"], change["metadata"]) == (
                    target["kind"], {name: target["metadata"][name] for name in ("name", "namespace")}), change
                documents.remove(target)
                continue
            for operation in change:
                _apply(target, operation)
    return documents, files


def _apply(document, operation):
    *parents, last = operation["path"].strip("/").split("/")
    for parent in parents:
        document = document[int(parent) if isinstance(document, list) else parent]
    if (operation["op"], last) == ("add", "-"):
        document.append(operation["value"])
        return
    assert operation["op"] == "replace" and last in document, operation
    document[last] = operation["value"]


class Manifests:
    """The documents of one base."""

    def __init__(self, documents):
        self.documents = documents

    def replace(self, secrets, authority=None):
        """What the user is to replace: the value of every key that a Secret has, and nothing besides."""
        for secret in self.all("Secret"):
            data, name = secret["stringData"], secret["metadata"]["name"]
            assert data.keys() <= secrets.keys(), f"the Secret {name} has a key that the test does not know"
            data.update({key: secrets[key] for key in data})
        if authority:
            self.one("ConfigMap", "idp-ca")["data"]["ca.crt"] = authority
        return self

    def all(self, kind):
        return [document for document in self.documents if document["kind"] == kind]

    def one(self, kind, name, namespace=None):
        found = [each for each in self.all(kind) if each["metadata"]["name"] == name
                 and namespace in (None, each["metadata"]["namespace"])]
        assert len(found) == 1, f"{len(found)} of {kind} {name} in {namespace}"
        return found[0]

    def pod(self, labels):
        """The pod that a selector with these labels means."""
        pods = [each["spec"]["template"] for each in self.all("Deployment")]
        found = [pod for pod in pods if labels.items() <= pod["metadata"]["labels"].items()]
        assert len(found) == 1, f"{len(found)} workloads have {labels}"
        return found[0]

    def environment(self, entries, namespace):
        """Environment variables of a container whose pod is in that namespace."""
        variables = {}
        for entry in entries:
            reference = entry["valueFrom"]["secretKeyRef"]
            secret = self.one("Secret", reference["name"], namespace)
            assert reference["key"] in secret["stringData"], f"the Secret {reference['name']} has no key {reference['key']}"
            variables[entry["name"]] = secret["stringData"][reference["key"]]
        return variables

    @staticmethod
    def mounted_image(volumes, container, path):
        """The reference of the image in which a file of a container is, and its path there."""
        mount = next(each for each in container["volumeMounts"] if path.startswith(f"{each['mountPath']}/"))
        volume = next(each for each in volumes if each["name"] == mount["name"])
        assert mount["readOnly"] and volume["image"]["pullPolicy"] in ("IfNotPresent", "Always")
        return volume["image"]["reference"], path.removeprefix(f"{mount['mountPath']}/")

    def mounted(self, pod, container, path):
        """The content of a file in a container."""
        folder, _, name = path.rpartition("/")
        mount = next(each for each in container["volumeMounts"] if each["mountPath"] == folder)
        volume = next(each for each in pod["spec"]["volumes"] if each["name"] == mount["name"])
        return self.one("ConfigMap", volume["configMap"]["name"])["data"][name]
