// SPDX-License-Identifier: Apache-2.0

import HoldfastAPI
import MountModel
import Testing

@Suite("JSON: the shapes that scripts rely on")
struct APIJSONTests {
    static let mountMembers =
        #""id":"m-1","kernel_mount_id":4294967400,"mountpoint":"/run/holdfast/mounts/data","#
        + #""options":["ro","data=ordered"],"source":"/dev/vdb","state":"mounted","type":"ext4""#
    static let attachment =
        #"{"consumer":"vm-1","id":"a-1","lease":"explicit","mount_id":"m-1","owner_uid":1000,"#
        + #""path":"/run/holdfast/mounts/data","volume":"."}"#

    @Test("the answer to an attach has attachment, mount, path and created")
    func attachShape() throws {
        #expect(
            try Samples.json(Samples.attached)
                == #"{"attachment":\#(Self.attachment),"created":true,"mount":{\#(Self.mountMembers)},"#
                + #""path":"/run/holdfast/mounts/data"}"#)
    }

    @Test("an element of the list has the mount's members and its attachments side by side")
    func listShape() throws {
        let list = MountList(mounts: [MountDetail(mount: Samples.mount, attachments: [Samples.attachment])])
        #expect(try Samples.json(list) == #"{"mounts":[{"attachments":[\#(Self.attachment)],\#(Self.mountMembers)}]}"#)
    }

    @Test("the answer to a detach has detached and mount_state")
    func detachShape() throws {
        #expect(
            try Samples.json(DetachResponse(detached: true, mountState: "absent"))
                == #"{"detached":true,"mount_state":"absent"}"#)
    }

    @Test("a request has the names that the daemon reads")
    func requestShape() throws {
        let request = AttachRequest(
            source: "/dev/vdb", consumer: "c", volume: "v", type: "ext4", options: ["ro"], at: "/m",
            lease: "persistent", timeoutSeconds: 1.5)
        #expect(
            try Samples.json(request)
                == #"{"at":"/m","consumer":"c","lease":"persistent","options":["ro"],"source":"/dev/vdb","#
                + #""timeout_seconds":1.5,"#
                + #""type":"ext4","volume":"v"}"#)
        #expect(try APIJSON.decodeRequest(AttachRequest.self, from: APIJSON.encode(request)) == request)
    }

    @Test("a secret is a text on the wire, and nowhere else")
    func secret() throws {
        let request = AttachRequest(source: "h:/", consumer: "c", secrets: ["key": Secret("hunter2\n\"")])
        #expect(
            try Samples.json(request) == #"{"consumer":"c","secrets":{"key":"hunter2\n\"\n"},"source":"h:/"}"#)
        #expect(try APIJSON.decodeRequest(AttachRequest.self, from: APIJSON.encode(request)) == request)
        var dumped = "\(request) \(String(reflecting: request))"
        dump(request, to: &dumped)
        #expect(dumped.contains("<secret>") && !dumped.contains("hunter2"))
    }

    @Test("what is not known is left out, not null")
    func optionalsAreLeftOut() throws {
        var mount = Samples.mount
        mount.kernelMountID = nil
        #expect(!(try Samples.json(mount)).contains("kernel_mount_id"))
        #expect(!(try Samples.json(mount)).contains("problem"))
    }

    @Test("every answer survives the way there and back")
    func roundTrips() throws {
        func check<Value: Codable & Equatable>(_ value: Value) throws {
            #expect(try APIJSON.decodeResponse(Value.self, from: APIJSON.encode(value)) == value)
            #expect(try APIJSON.decodeResponse(Value.self, from: APIJSON.encode(value, pretty: true)) == value)
        }
        var lingering = Samples.mount
        lingering.problem = Samples.problem
        try check(Samples.attached)
        try check(Samples.list)
        try check(Samples.verified)
        try check(Samples.status)
        try check(Samples.problem)
        try check(AttachmentList(attachments: [Samples.attachment, Samples.second]))
        try check(MountDetail(mount: lingering, attachments: []))
        try check(DetachResponse(detached: true, mountState: "lingering", problem: Samples.problem))
    }

    @Test("a member or a code of a newer daemon's answer is no mistake")
    func answersAreLenient() throws {
        let detach = try APIJSON.decodeResponse(
            DetachResponse.self, from: Array(#"{"detached":true,"mount_state":"hovering","new":[1]}"#.utf8))
        #expect(detach == DetachResponse(detached: true, mountState: "hovering"))

        let document = #"{"type":"t","title":"T","status":418,"detail":"d","code":"teapot","brew":{"strong":true}}"#
        let problem = try APIJSON.decodeResponse(Problem.self, from: Array(document.utf8))
        #expect(problem.code == "teapot")
        #expect(problem.knownCode == nil)
        #expect(problem.exitStatus == .internal)
    }

    @Test("an answer that does not fit names the place")
    func misfitAnswer() {
        let error = #expect(throws: MountError.self) {
            try APIJSON.decodeResponse(MountList.self, from: Array(#"{"mounts":[{"id":"m-1"}]}"#.utf8))
        }
        #expect(error?.code == .internal)
        #expect(error?.message.contains("'mounts[0].mountpoint' is missing") == true)
    }

    @Test("a number that JSON cannot write is an error, not a trap")
    func notFinite() {
        let request = AttachRequest(source: "/s", consumer: "c", timeoutSeconds: .infinity)
        #expect(throws: MountError.self) { try APIJSON.encode(request) }
    }
}
