"""A server that speaks the wire of Azure AI Search: the part of its REST API that is used.

It is no fake of the driver, and no search service: it keeps documents in memory, answers as the vendor documents, and
refuses whatever the vendor's schema does not have, or this server does not know. As the service does, it takes a write
at once and shows it to searches a moment later. Written after

- ``specification/search/data-plane/Azure.Search.Documents/stable/*/search.json`` of Azure/azure-rest-api-specs: paths,
  parameters, what ``SearchIndex``, ``SearchField``, ``SearchRequest``, ``VectorizedQuery`` and ``IndexAction`` hold,
- learn.microsoft.com/rest/api/searchservice: "Naming rules", "Documents - Index" (1,000 documents and 16 MB a batch,
  one status for each document), "Documents - Search Post" (the parts of an answer, ``@search.nextPageParameters``),
- learn.microsoft.com/azure/search: "Service limits" (keys, terms of 32,766 bytes, ``$skip`` of 100,000), "OData
  language overview", "search.in function", "Vector query" (the score is ``1 / (1 + distance)``), "Vector storage
  options" (``stored``).
"""
