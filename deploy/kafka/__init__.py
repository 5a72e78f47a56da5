"""A real Apache Kafka on this machine: jars from Maven Central, one KRaft node, no Docker."""
