import Tensor

/// Sorting, and finding elements by their values.
let numPyOrder: [String: GoldenOperation] = [
    "sort": { [try $0.input(0).sorted(axis: $0.axis)] },
    "argsort": { [try $0.input(0).argsort(axis: $0.axis)] },
    "searchsorted": { [try $0.input(0).searchSorted($0.input(1), side: $0.text("side") == "right" ? .right : .left)] },
    "unique": { golden in
        let found = try golden.input(0).uniqueElements()
        return [found.values, found.counts]
    },
    "unique_all": { golden in
        let found = try golden.input(0).uniqueElements()
        return [found.values, found.firstPlaces, found.inverse, found.counts]
    },
    "nonzero": { [try $0.input(0).nonZero()] },
]
