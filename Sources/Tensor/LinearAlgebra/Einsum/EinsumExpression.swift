/// An einsum expression as written, `"...ij,jk->...ik"`: a term for each operand, and one for the result if there is an
/// arrow.
struct EinsumExpression {
    /// The axes of one operand, or of the result.
    struct Term: Equatable {
        /// The labels before the ellipsis, or all of them where there is none.
        var leading: [Label] = []
        /// The labels after the ellipsis; nil where there is none.
        var trailing: [Label]?

        var labels: [Label] { leading + (trailing ?? []) }
        var hasEllipsis: Bool { trailing != nil }
    }

    /// A letter, and which character of the expression it is, counted from 1.
    struct Label: Equatable {
        /// The number that names an axis of this label: the letter's in ASCII.
        let number: Int
        let place: Int

        var letter: Character { Character(Unicode.Scalar(UInt8(number))) }
    }

    let text: String
    private(set) var operands: [Term] = [Term()]
    private(set) var result: Term?

    /// Reads an expression. Spaces count for nothing.
    ///
    /// - Throws: ``TensorError/Code/malformedExpression`` with the place of the first character that does not fit.
    init(_ text: String) throws(TensorError) {
        self.text = text
        // Bytes are Unicode scalars up to the first that is not ASCII, where reading ends. (Characters they are not: an
        // accent joins the letter before it.)
        let characters = Array(text.utf8)
        var index = 0
        while index < characters.count {
            let character = characters[index]
            let place = index + 1
            switch character {
            case UInt8(ascii: " "): break
            case UInt8(ascii: ","):
                guard result == nil else { throw error("a comma behind the arrow", at: place) }
                operands.append(Term())
            case UInt8(ascii: "-"):
                guard index + 1 < characters.count, characters[index + 1] == UInt8(ascii: ">") else {
                    throw error("'-' without '>'", at: place)
                }
                guard result == nil else { throw error("a second arrow", at: place) }
                result = Term()
                index += 1
            case UInt8(ascii: "."):
                guard index + 2 < characters.count, characters[index + 1] == character,
                    characters[index + 2] == character
                else {
                    throw error("an ellipsis has three dots", at: place)
                }
                guard !current.hasEllipsis else { throw error("a second ellipsis in one term", at: place) }
                current.trailing = []
                index += 2
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                let label = Label(number: Int(character), place: place)
                if current.hasEllipsis { current.trailing!.append(label) } else { current.leading.append(label) }
            default:
                throw error("'\(Array(text.unicodeScalars)[index])' is no label", at: place)
            }
            index += 1
        }
        try checkResult()
    }

    /// The term that is being read.
    private var current: Term {
        get { result ?? operands[operands.count - 1] }
        set { if result == nil { operands[operands.count - 1] = newValue } else { result = newValue } }
    }

    /// Throws for a label of the result that no operand has, or that it has twice.
    private func checkResult() throws(TensorError) {
        guard let result else { return }
        var occurrences = [Int](repeating: 0, count: 128)
        for term in operands { for label in term.labels { occurrences[label.number] = 1 } }
        for label in result.labels {
            guard occurrences[label.number] > 0 else {
                throw error("'\(label.letter)' of the result is in no operand", at: label.place)
            }
            occurrences[label.number] += 1
            guard occurrences[label.number] == 2 else {
                throw error("'\(label.letter)' is twice in the result", at: label.place)
            }
        }
        if result.hasEllipsis, !operands.contains(where: \.hasEllipsis) {
            throw TensorError(
                .malformedExpression, "einsum: in \"\(text)\", the result has an ellipsis and no operand has one")
        }
    }

    /// What is wrong with the expression, and where.
    func error(_ what: String, at place: Int) -> TensorError {
        TensorError(.malformedExpression, "einsum: in \"\(text)\", \(what), at character \(place)")
    }
}
