"""The REST calls as a machine reads them: OpenAPI 3.1, made from the routes of the application.

`shapes` says what JSON looks like, `operations` what each route takes and answers, `document` puts
both together with the routes that there are, and `routes` serves the result.
"""
