"""What people and the bot say: sentences in Vietnamese and English that a conversation log is put together from.

Used by ``payload`` alone. The sentences were written for this project; none comes from a real conversation. No
sentence holds a character that JSON escapes (quotes, backslashes, control characters), so a sentence's UTF-8 length
is its length in a body.

Every Vietnamese sentence holds a character beyond Latin-1. CPython then stores the whole string it stands in with two
bytes a character, which is what makes a parsed Vietnamese log twice as large as its English twin, and belongs to the
incident's memory figures.
"""

VIETNAMESE = (
    "Chào bạn, hôm nay bạn thấy thế nào?",
    "Mình vừa đi học về, hơi mệt nhưng mà vui lắm.",
    "Sáng nay trời mưa to nên cả lớp đến muộn.",
    "Bạn kể cho mình nghe về gia đình của bạn nhé!",
    "Nhà mình có bốn người: bố, mẹ, chị gái và mình.",
    "Con mèo nhà mình tên là Mướp, nó thích nằm ngủ trên ghế.",
    "Mình muốn học thêm từ vựng về các loài động vật.",
    "Được rồi, chúng ta cùng luyện phát âm từ này ba lần nhé.",
    "Giỏi quá! Bạn đã trả lời đúng cả năm câu rồi.",
    "Câu này hơi khó, bạn thử đoán nghĩa trước xem sao.",
    "Cuối tuần này cả nhà mình về quê thăm ông bà nội.",
    "Ở quê có ruộng lúa, có ao cá và rất nhiều cây ăn quả.",
    "Mình thích ăn phở bò, còn em mình thì thích bún chả.",
    "Bạn có nhớ hôm qua chúng ta đã học những gì không?",
    "Mình nhớ chứ, hôm qua học về màu sắc và đồ vật trong lớp.",
    "Vậy thì hôm nay chúng ta sẽ học cách hỏi đường nhé.",
    "Thầy giáo nói tuần sau sẽ có bài kiểm tra giữa kỳ.",
    "Đừng lo, mình sẽ giúp bạn ôn tập từng phần một.",
    "Mình hay bị nhầm giữa thì hiện tại và thì quá khứ.",
    "Bạn chỉ cần nhìn vào trạng từ chỉ thời gian là biết ngay.",
    "Cảm ơn bạn nhiều, bây giờ mình hiểu hơn rồi.",
    "Tối nay mình phải làm xong bài tập toán trước khi xem phim.",
    "Bộ phim đó kể về một cậu bé và người bạn rô-bốt của cậu.",
    "Ước gì mình cũng có một người bạn luôn lắng nghe như thế.",
    "Mình luôn ở đây mỗi khi bạn cần nói chuyện mà.",
    "Bạn thân nhất của mình mới chuyển sang trường khác, mình hơi buồn.",
    "Buồn một chút cũng không sao, bạn có thể viết thư cho bạn ấy.",
    "Ý hay đấy, để mai mình viết rồi nhờ mẹ gửi giúp.",
    "Hôm sinh nhật, mình được tặng một chiếc xe đạp màu xanh.",
    "Chiều nào mình cũng đạp xe quanh hồ với mấy đứa hàng xóm.",
    "Lần sau nhớ đội mũ bảo hiểm và đi chậm thôi nhé.",
    "Dạ vâng ạ, mẹ mình cũng dặn y như vậy.",
)

ENGLISH = (
    "Good morning! What would you like to talk about today?",
    "I want to practise speaking English before my lesson tomorrow.",
    "Let us start with something easy: tell me three things that you can see.",
    "I can see a window, a lamp and my little brother.",
    "Well done, that was a complete sentence and the grammar is right.",
    "How do you say this word when there are two or more of them?",
    "One mouse, two mice: this is one of those words you have to remember.",
    "Yesterday I go to the zoo with my class.",
    "Almost! Yesterday is in the past, so we say: I went to the zoo.",
    "My favourite animal is the elephant, because it never forgets.",
    "Can you describe the elephant without using the word big?",
    "It has a long nose, four strong legs and very soft eyes.",
    "That is a lovely description, I could almost see it.",
    "Shall we play a guessing game, or would you rather hear a story?",
    "A story, please, the one about the fisherman and the moon.",
    "Once upon a time, by a quiet river, there lived an old fisherman.",
    "Every evening he counted the stars until he fell asleep.",
    "Why did he count them? Was he looking for one of them?",
    "What do you think? There is no wrong answer here.",
    "I think that he was lonely and wanted somebody to talk to.",
    "You listen carefully, and you notice how people feel.",
    "My teacher says that I should read a page aloud every night.",
    "Read it slowly first, then once more as if you were on a stage.",
    "The weather is getting colder, do not forget your jacket.",
    "We have ten minutes left, so let us repeat the new words.",
    "Breakfast, lunch, dinner; and what do we call a small meal between them?",
    "A snack! My snack today was a banana and a glass of milk.",
    "Great, you have earned two stars, that makes eleven this week.",
    "See you tomorrow, and thank you for the conversation.",
)
