#!/usr/bin/env python3
"""TensorFlow's ParameterServerStrategy: a coordinator, one parameter server and one or more workers, each a process of
its own, in plain text (it has no TLS).

It reads a line that says who it would be and prints 0, as the benchmark's other clients do, then answers each line with
one of JSON and ends with its input:

    train STEPS STRIDE       seconds that so many steps take, the workers together, in closures of so many
    push BYTES COUNT         seconds that one worker takes to add a tensor to a variable, so often, without waiting in between
    pull BYTES COUNT         seconds that one worker takes to read a variable, so often
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("GRPC_FAIL_FAST", "use_caller")

# 784-512-256-10.
LAYERS = [784, 512, 256, 10]
BATCH = 128


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def serve(role, index, cluster):
    """Runs a parameter server or a worker until it is killed."""
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": role, "index": index}})
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    tf.distribute.Server(resolver.cluster_spec(), job_name=role, task_index=index, protocol="grpc").join()


class Coordinator:
    """The cluster's coordinator, and what the benchmark asks of it."""

    def __init__(self, cluster):
        import tensorflow as tf

        self.tf = tf
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(cluster), rpc_layer="grpc", task_type="chief", task_id=0
        )
        self.strategy = tf.distribute.ParameterServerStrategy(resolver)
        self.coordinator = tf.distribute.coordinator.ClusterCoordinator(self.strategy)
        self.variables = {}
        self.steps = None

    def train(self, steps, stride):
        if self.steps is None:
            self.steps = self.training()
        start = time.perf_counter()
        for _ in range(steps // stride):
            self.coordinator.schedule(self.steps, args=(self.batches, self.tf.constant(stride)))
        self.coordinator.join()
        return time.perf_counter() - start

    def training(self):
        tf = self.tf
        with self.strategy.scope():
            layers = []
            for features, units in zip(LAYERS, LAYERS[1:]):
                layers.append(tf.Variable(tf.random.normal([features, units], stddev=features**-0.5)))
                layers.append(tf.Variable(tf.zeros([units])))

        def batches():
            images = tf.random.normal([8, BATCH, LAYERS[0]])
            labels = tf.fill([8, BATCH], 3)
            return tf.data.Dataset.from_tensor_slices((images, labels)).repeat()

        self.batches = iter(self.coordinator.create_per_worker_dataset(batches))

        def step(images, labels):
            with tf.GradientTape() as tape:
                hidden = images
                for index in range(0, len(layers), 2):
                    hidden = tf.matmul(hidden, layers[index]) + layers[index + 1]
                    if index + 2 < len(layers):
                        hidden = tf.nn.relu(hidden)
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, hidden))
            for variable, gradient in zip(layers, tape.gradient(loss, layers)):
                variable.assign_sub(0.01 * gradient)

        @tf.function
        def closure(iterator, count):
            for _ in tf.range(count):
                images, labels = next(iterator)
                step(images, labels)

        return closure

    def variable(self, size):
        tf = self.tf
        if size not in self.variables:
            with self.strategy.scope():
                variable = tf.Variable(tf.zeros([size // 4]))

            @tf.function
            def push(count):
                gradient = tf.fill([size // 4], 0.5)
                for _ in tf.range(count):
                    variable.assign_add(gradient, read_value=False)

            @tf.function
            def pull(count):
                total = 0.0
                for _ in tf.range(count):
                    total += variable.read_value()[0]
                return total

            self.variables[size] = {"push": push, "pull": pull}
        return self.variables[size]

    def transfer(self, verb, size, count):
        closure = self.variable(size)[verb]
        start = time.perf_counter()
        self.coordinator.schedule(closure, args=(self.tf.constant(count),)).fetch()
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--serve", nargs=2, metavar=("ROLE", "INDEX"))
    parser.add_argument("--cluster", type=json.loads)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve[0], int(options.serve[1]), options.cluster)

    cluster = {
        "ps": [f"127.0.0.1:{free_port()}"],
        "worker": [f"127.0.0.1:{free_port()}" for _ in range(options.workers)],
        "chief": [f"127.0.0.1:{free_port()}"],
    }
    sys.stdin.readline()
    servers = [
        subprocess.Popen(
            [sys.executable, __file__, "--serve", role, str(index), "--cluster", json.dumps(cluster)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for role in ("ps", "worker")
        for index in range(len(cluster[role]))
    ]
    try:
        coordinator = Coordinator(cluster)
        print(0, flush=True)
        for line in sys.stdin:
            command, *numbers = line.split()
            numbers = [int(number) for number in numbers]
            if command == "train":
                answer = coordinator.train(*numbers)
            else:
                answer = coordinator.transfer(command, *numbers)
            print(json.dumps(answer), flush=True)
    finally:
        for server in servers:
            server.kill()
        # The coordinator's threads look for servers that are no more.
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
