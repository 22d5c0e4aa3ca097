"""The methods of ``Medha``, grouped by what they are for."""
