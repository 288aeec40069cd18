// SPDX-License-Identifier: Apache-2.0

/// Rows of cells, aligned with spaces; tabs would depend on who reads them.
struct TextTable {
    /// One cell: what is written, and its colour.
    struct Cell: ExpressibleByStringInterpolation {
        let text: String
        let colour: TextStyle.Colour?

        /// The text may come from anywhere: it is escaped here.
        init(_ text: String, _ colour: TextStyle.Colour? = nil) {
            self.text = TextStyle.escaped(text)
            self.colour = colour
        }

        init(stringLiteral text: String) { self.init(text) }
    }

    private var header: [String]?
    private var rows: [[Cell]] = []

    init(header: [String]? = nil) { self.header = header }

    mutating func append(_ row: [Cell]) { rows.append(row) }

    /// One line a row, two spaces between columns, none at a line's end.
    func render(style: TextStyle, indent: Int = 0) -> String {
        let headerRow = header.map { $0.map { Cell($0) } }
        let all = (headerRow.map { [$0] } ?? []) + rows
        var widths = [Int](repeating: 0, count: all.map(\.count).max() ?? 0)
        for row in all {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.text.count) }
        }
        var text = ""
        for (number, row) in all.enumerated() {
            var line = String(repeating: " ", count: indent)
            let last = row.lastIndex { !$0.text.isEmpty } ?? 0
            for (column, cell) in row.prefix(last + 1).enumerated() {
                let isHeader = number == 0 && headerRow != nil
                line += isHeader ? style.bold(cell.text) : style.coloured(cell.text, cell.colour)
                if column < last { line += String(repeating: " ", count: widths[column] - cell.text.count + 2) }
            }
            text += line + "\n"
        }
        return text
    }
}
