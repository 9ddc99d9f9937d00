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
        let letter: Character
        let place: Int

        /// The number that names an axis of this label: the letter's in ASCII.
        var number: Int { Int(letter.asciiValue!) }
    }

    let text: String
    private(set) var operands: [Term] = [Term()]
    private(set) var result: Term?

    /// Reads an expression. Spaces count for nothing.
    ///
    /// - Throws: ``TensorError/Code/malformedExpression`` with the place of the first character that does not fit.
    init(_ text: String) throws(TensorError) {
        self.text = text
        let characters = Array(text)
        var index = 0
        while index < characters.count {
            let character = characters[index]
            let place = index + 1
            switch character {
            case " ": break
            case ",":
                guard result == nil else { throw error("a comma behind the arrow", at: place) }
                operands.append(Term())
            case "-":
                guard index + 1 < characters.count, characters[index + 1] == ">" else {
                    throw error("'-' without '>'", at: place)
                }
                guard result == nil else { throw error("a second arrow", at: place) }
                result = Term()
                index += 1
            case ".":
                guard index + 2 < characters.count, characters[index + 1] == ".", characters[index + 2] == "." else {
                    throw error("an ellipsis has three dots", at: place)
                }
                guard !current.hasEllipsis else { throw error("a second ellipsis in one term", at: place) }
                current.trailing = []
                index += 2
            case "a"..."z", "A"..."Z":
                guard character.isASCII, character.isLetter else { throw unexpected(character, at: place) }
                let label = Label(letter: character, place: place)
                if current.hasEllipsis { current.trailing!.append(label) } else { current.leading.append(label) }
            default:
                throw unexpected(character, at: place)
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
        let known = Set(operands.flatMap { $0.labels.map(\.letter) })
        var seen: Set<Character> = []
        for label in result.labels {
            guard known.contains(label.letter) else {
                throw error("'\(label.letter)' of the result is in no operand", at: label.place)
            }
            guard seen.insert(label.letter).inserted else {
                throw error("'\(label.letter)' is twice in the result", at: label.place)
            }
        }
        if result.hasEllipsis, !operands.contains(where: \.hasEllipsis) {
            throw TensorError(
                .malformedExpression, "einsum: in \"\(text)\", the result has an ellipsis and no operand has one")
        }
    }

    private func unexpected(_ character: Character, at place: Int) -> TensorError {
        error("'\(character)' is no label", at: place)
    }

    /// What is wrong with the expression, and where.
    func error(_ what: String, at place: Int) -> TensorError {
        TensorError(.malformedExpression, "einsum: in \"\(text)\", \(what), at character \(place)")
    }
}
