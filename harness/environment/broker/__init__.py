"""RabbitMQ for one run: a private node, a container or a given URL; its management API, and the queue of a trial."""
