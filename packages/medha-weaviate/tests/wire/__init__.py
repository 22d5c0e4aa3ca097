"""A server that speaks the wire of Weaviate: gRPC by the driver's own published stubs, and what is used of REST.

It is no fake of the driver, and no Weaviate: it keeps objects in memory, answers as the vendor documents, and refuses
whatever the vendor's schema does not have, or this server does not know. Written after

- ``openapi-specs/schema.json`` and ``grpc/proto/v1/*.proto`` of weaviate/weaviate, for what a request may hold (the
  stubs are ``weaviate.proto.v1`` in the driver's distribution),
- ``adapters/handlers/grpc/v1/parse_search_request.go`` there, for what is refused together and in which words,
- docs.weaviate.io: "Additional operators" (cursors, limits), "Filters", "Collection definition" (tokenization,
  names), "Batch delete" (the limit of ``QUERY_MAXIMUM_RESULTS``), "Multi-tenancy operations".
"""
