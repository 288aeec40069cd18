// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HoldfastAPI
import MountModel

/// One run of a command: the client, and how results and problems are shown.
struct Session {
    private let client: APIClient
    private let json: Bool
    private let output = TerminalOutput(.standardOutput)
    private let errors = TerminalOutput(.standardError)

    init(client: APIClient, json: Bool) {
        self.client = client
        self.json = json
    }

    /// Makes the request and shows the answer: as JSON, or as the text that `text` makes of it.
    ///
    /// - Throws: `ExitCode` when the request failed or the answer could not be written.
    func show<Answer: Encodable>(
        _ request: (APIClient) throws(Problem) -> Answer, as text: (Answer, TextStyle) -> String
    ) throws -> Answer {
        let answer = try perform(request)
        do {
            if json {
                let document = try APIJSON.encode(answer, pretty: output.style.isTerminal)
                try output.write(String(decoding: document, as: UTF8.self) + "\n")
            } else {
                try output.write(text(answer, output.style))
            }
        } catch let error as MountError {
            throw fail(Problem(error))
        } catch let failure as TerminalOutput.WriteFailure {
            // A reader that has seen enough, such as `head`, is told by the exit status alone.
            if !failure.readerIsGone { note("holdfast: cannot write the output: \(failure)\n") }
            throw ExitCode(ExitStatus.outputFailed.rawValue)
        }
        return answer
    }

    /// A remark for a person; with `--json` there is none.
    func remark(_ text: String) {
        if !json { note(text + "\n") }
    }

    /// Shows a problem on standard error.
    ///
    /// - Returns: what to throw.
    func fail(_ problem: Problem) -> ExitCode {
        note(json ? ProblemText.json(problem) : ProblemText.render(problem, style: errors.style))
        return ExitCode(problem.exitStatus.rawValue)
    }

    private func perform<Answer>(_ request: (APIClient) throws(Problem) -> Answer) throws -> Answer {
        var client = client
        let spinner = errors.style.isTerminal && !json ? Spinner(errors) : nil
        if let spinner { client.onWait = { spinner.tick($0) } }
        defer { spinner?.clear() }
        do {
            return try request(client)
        } catch {
            spinner?.clear()
            throw fail(UnheardDaemon(of: client.socketPath, after: error)?.problem ?? error)
        }
    }

    private func note(_ text: String) {
        do {
            try errors.write(text)
        } catch {
            // Standard error is where this would be told: the exit status has to do.
        }
    }
}
