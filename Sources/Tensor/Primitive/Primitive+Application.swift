// Applying a primitive takes its operands away: they are `inout` so that a kernel can see whether it holds the only
// reference to their storage. (Forwarding them as plain arguments retains them, and then nothing is ever reused.)

extension Primitive {
    package func apply(
        _ operand: inout AnyTensor, _ attributes: Attributes = .none
    ) throws(TensorError) -> AnyTensor {
        guard operand.trace == nil else { return try traced([operand.take()], attributes) }
        guard case .unary(let rule, let kernel) = form else { wrongNumberOfOperands(1) }
        let type = try rule(operand.type, attributes)
        return try kernel(&operand, attributes, type)
    }

    package func apply(
        _ first: inout AnyTensor, _ second: inout AnyTensor, _ attributes: Attributes = .none
    ) throws(TensorError) -> AnyTensor {
        guard first.trace == nil, second.trace == nil else {
            return try traced([first.take(), second.take()], attributes)
        }
        guard case .binary(let rule, let kernel) = form else { wrongNumberOfOperands(2) }
        let type = try rule(first.type, second.type, attributes)
        return try kernel(&first, &second, attributes, type)
    }

    /// As `apply`, with the result in the first operand's place: of a small tensor, the copies of the value itself are most
    /// of what an operation costs.
    func combine(_ first: inout AnyTensor, _ second: inout AnyTensor) throws(TensorError) {
        if let pairwise, first.trace == nil, second.trace == nil, try pairwise.apply(&first, &second) { return }
        first = try apply(&first, &second)
    }

    package func apply(
        _ first: inout AnyTensor, _ second: inout AnyTensor, _ third: inout AnyTensor, _ attributes: Attributes = .none
    ) throws(TensorError) -> AnyTensor {
        guard first.trace == nil, second.trace == nil, third.trace == nil else {
            return try traced([first.take(), second.take(), third.take()], attributes)
        }
        guard case .ternary(let rule, let kernel) = form else { wrongNumberOfOperands(3) }
        let type = try rule(first.type, second.type, third.type, attributes)
        return try kernel(&first, &second, &third, attributes, type)
    }

    /// As `apply`, for an operand that need not be reused, or of which the caller gives its last use.
    func applied(
        to operand: consuming AnyTensor, _ attributes: Attributes = .none
    ) throws(TensorError) -> AnyTensor {
        try apply(&operand, attributes)
    }

    /// As for one operand.
    func applied(
        to first: consuming AnyTensor, _ second: consuming AnyTensor, _ attributes: Attributes = .none
    ) throws(TensorError) -> AnyTensor {
        try apply(&first, &second, attributes)
    }

    /// As for one operand.
    func applied(
        to first: consuming AnyTensor, _ second: consuming AnyTensor, _ third: consuming AnyTensor
    ) throws(TensorError) -> AnyTensor {
        try apply(&first, &second, &third)
    }

    /// Applies the primitive to as many operands as it takes; what traces call with the values beneath theirs.
    package func apply(
        to operands: consuming [AnyTensor], _ attributes: Attributes
    ) throws(TensorError) -> AnyTensor {
        switch form {
        case .unary:
            var operand = operands[0].take()
            return try apply(&operand, attributes)
        case .binary:
            var first = operands[0].take()
            var second = operands[1].take()
            return try apply(&first, &second, attributes)
        case .ternary:
            var first = operands[0].take()
            var second = operands[1].take()
            var third = operands[2].take()
            return try apply(&first, &second, &third, attributes)
        case .variadic(let rule, let kernel):
            if operands.contains(where: { $0.trace != nil }) { return try traced(operands, attributes) }
            let type = try rule(operands.map(\.type), attributes)
            return try kernel(&operands, attributes, type)
        }
    }

    /// The type of the result for operands of these types, without values.
    package func resultType(
        of operands: [TensorType], _ attributes: Attributes
    ) throws(TensorError) -> TensorType {
        switch form {
        case .unary(let rule, _): try rule(operands[0], attributes)
        case .binary(let rule, _): try rule(operands[0], operands[1], attributes)
        case .ternary(let rule, _): try rule(operands[0], operands[1], operands[2], attributes)
        case .variadic(let rule, _): try rule(operands, attributes)
        }
    }

    /// Hands the application to the innermost trace among the operands', the one that began last.
    private func traced(
        _ operands: consuming [AnyTensor], _ attributes: Attributes
    ) throws(TensorError) -> AnyTensor {
        var innermost: (any Trace)?
        for index in operands.indices {
            guard let trace = operands[index].trace else { continue }
            if innermost == nil || trace.level > innermost!.level { innermost = trace }
        }
        return try innermost!.process(self, operands, attributes)
    }

    private func wrongNumberOfOperands(_ count: Int) -> Never {
        preconditionFailure("\(name) does not take \(count) operands")
    }
}
