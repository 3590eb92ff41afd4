"""The same models on Apache Spark, for deliveries that outgrow one machine (docs/spark.md)."""
