// Prints robot, sequence and the first position of each chunk of a topic:
// java -cp 'target/dependency/*' ReadFrames.java BOOTSTRAP REGISTRY TOPIC COUNT
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class ReadFrames {
  static final Map<Integer, Schema> SCHEMAS = new HashMap<>();

  public static void main(String[] args) throws Exception {
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", args[0],
        "group.id", "read-frames-" + ProcessHandle.current().pid(),
        "auto.offset.reset", "earliest",
        "enable.auto.commit", false,
        "max.partition.fetch.bytes", 9 * 1024 * 1024);
    int left = Integer.parseInt(args[3]);
    try (var consumer = new KafkaConsumer<>(
        settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(java.util.List.of(args[2]));
      while (left > 0) {
        for (var record : consumer.poll(Duration.ofSeconds(1))) {
          GenericRecord chunk = decode(record.value(), args[1]);
          if (!chunk.getSchema().getName().endsWith("Chunk") || left-- <= 0) {
            continue;
          }
          float first = ((ByteBuffer) chunk.get("position")).order(ByteOrder.LITTLE_ENDIAN).getFloat(0);
          System.out.printf("%s %s frames %s position[0][0] %.4f%n",
              chunk.get("robot"), chunk.get("sequence"), chunk.get("frames"), first);
        }
      }
    }
  }

  /** Confluent's wire format: a zero byte, the schema's id in four, then the Avro record. */
  static GenericRecord decode(byte[] value, String registry) throws Exception {
    Schema schema = schema(ByteBuffer.wrap(value, 1, 4).getInt(), registry);
    var decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, null);
    return new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
  }

  static Schema schema(int id, String registry) throws Exception {
    if (!SCHEMAS.containsKey(id)) {
      var request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)).build();
      String body = HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
      String text = new com.fasterxml.jackson.databind.ObjectMapper()
          .readTree(body).get("schema").asText();
      SCHEMAS.put(id, new Schema.Parser().parse(text));
    }
    return SCHEMAS.get(id);
  }
}
